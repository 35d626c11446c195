#!/bin/sh
# Answers from /etc/gpus, which has a line "index,name,memory in MB,uuid" for each rented GPU.
set -eu
gpus=/etc/gpus

[ -e "$gpus" ] || {
  echo 'Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system to recover this GPU'
  exit 15
}

field() {
  case $1 in
  index) printf '%s' "$index" ;;
  name | gpu_name) printf '%s' "$name" ;;
  memory.total) printf '%s' "$memory$unit" ;;
  memory.used) printf '%s' "0$unit" ;;
  memory.free) printf '%s' "$memory$unit" ;;
  utilization.gpu) printf '%s' "0$percent" ;;
  count) wc -l <"$gpus" | tr -d '\n' ;;
  uuid | gpu_uuid) printf '%s' "$uuid" ;;
  driver_version) printf '%s' 550.127.05 ;;
  *) return 2 ;;
  esac
}

# row WORD: calls WORD (`field` or `heading`) for each field and joins the results as nvidia-smi does.
row() {
  line=
  for one in $fields; do line="$line${line:+, }$("$1" "$one")"; done
  printf '%s\n' "$line"
}

heading() {
  case $1 in
  memory.*) printf '%s' "$1${unit:+ [MiB]}" ;;
  utilization.*) printf '%s' "$1${unit:+ [%]}" ;;
  *) printf '%s' "$1" ;;
  esac
}

query() {
  unit=' MiB' percent=' %' index='' name='' memory='' uuid=''
  for one in $fields; do
    field "$one" >/dev/null || {
      printf 'Field "%s" is not a valid field to query.\n' "$one"
      exit 2
    }
  done
  case ,$format, in *,nounits,*) unit='' percent='' ;; esac
  case ,$format, in *,noheader,*) ;; *) row heading ;; esac
  while IFS=, read -r index name memory uuid; do row field; done <"$gpus"
}

list() {
  while IFS=, read -r index name memory uuid; do printf 'GPU %s: %s (UUID: %s)\n' "$index" "$name" "$uuid"; done <"$gpus"
}

table() {
  rule='+-----------------------------------------------------------------------------------------+'
  printf '%s\n' "$rule" '| NVIDIA-SMI 550.127.05             Driver Version: 550.127.05     CUDA Version: 12.4     |'
  printf '%s\n' "$rule" '| GPU  Name                                                                  Memory-Usage |' "$rule"
  while IFS=, read -r index name memory uuid; do
    printf '| %3s  %-55s %10s / %8s |\n' "$index" "$name" 0MiB "${memory}MiB"
  done <"$gpus"
  printf '%s\n' "$rule"
}

fields='' format='' action=table
for word; do
  case $word in
  -L | --list-gpus) action=list ;;
  --query-gpu=*) action=query fields=$(printf '%s' "${word#*=}" | tr ',' ' ') ;;
  --format=*) format=${word#*=} ;;
  esac
done
"$action"
