# Prints what this machine says of itself, for cli/facts/figures.ts. Changes nothing. What cannot be told is left
# out. After a line "figures":
#   gpu USE USED TOTAL    for each GPU: percent, MiB, MiB
#   disk USED TOTAL       of WORKSPACE, bytes
#   up SECONDS            since its first process began
#   training runs | ended [CODE] | not begun
#   log SECONDS           since it was written to
#   | LINE                the last lines of the log
gpu_figures() {
  local use used total
  while IFS=', ' read -r use used total; do
    case $use$used$total in '' | *[!0-9]*) ;; *) say "gpu $use $used $total" ;; esac
  done < <(timeout 10 nvidia-smi --query-gpu=utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits 2>/dev/null)
}

training_figure() {
  if [ ! -e "$KEEP/train.id" ]; then
    say 'training not begun'
  elif training_goes_on; then
    say 'training runs'
  else
    say "training ended $(cat "$EXIT" 2>/dev/null)"
  fi
}

say figures
gpu_figures
timeout 10 df -B1 --output=used,size -- "$WORKSPACE" 2>/dev/null | sed -n '2s/^ */disk /p' || true
see_clock && see_birth 1 && say "up $(((clock - born) / 100))" || true
training_figure
if [ -s "$LOG" ]; then
  say "log $(($(date +%s) - $(stat -c %Y -- "$LOG")))"
  last_lines "$LOG" 40 | sed 's/^/| /'
fi
