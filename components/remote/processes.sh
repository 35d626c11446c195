# Finds the processes that belong to the noted training:
#   own     has its TRAINING_ID in the environment, or is below such a process, or was known as one earlier: a process
#           may overwrite its environment with its title, and may lose its parent
#   writer  has a file of the checkpoints (folder.sh) open for writing, whoever started it
# No other process is ever signalled: no login shell of a person or a step, no server that training runs in, not
# ourselves.
# Files of KEEP: train.id, train.folder (of checkpoints), train.known (boot id, and lines of training_processes).

# Processes that this shell starts must not inherit a TRAINING_ID and be taken for training.
unset TRAINING_ID

# see_processes: fills PARENT, GROUP, SESSION, TERMINAL, BIRTH and COMM of every living process, by pid.
see_processes() {
  local file pid stat
  PARENT=() GROUP=() SESSION=() TERMINAL=() BIRTH=() COMM=() CHECKED=()
  for file in /proc/[0-9]*/stat; do
    pid=${file#/proc/} pid=${pid%/stat} stat=
    { IFS= read -r -d '' stat <"$file"; } 2>/dev/null || [ -n "$stat" ] || continue
    set -- ${stat##*) }
    case $1 in Z | X) continue ;; esac
    PARENT[pid]=$2 GROUP[pid]=$3 SESSION[pid]=$4 TERMINAL[pid]=$5 BIRTH[pid]=${20}
    stat=${stat#*(}
    COMM[pid]=${stat%)*}
  done
}

# see_self: spares this shell and every process above it, and the guard, the watcher and the wrapper. Processes below
# this shell are left out by list_processes.
see_self() {
  local at=$$ noted alive
  while [ "$at" -gt 0 ]; do
    CHECKED[at]=spared at=${PARENT[at]-0}
  done
  for noted in train guard watcher; do
    ! see_alive "$KEEP/$noted.pid" || CHECKED[alive]=spared
  done
  WRAPPER=
  { read -r WRAPPER _ <"$KEEP/train.pid"; } 2>/dev/null || true
}

# is_spared PID
is_spared() {
  if [ -z "${CHECKED[$1]-}" ]; then
    CHECKED[$1]=free
    case ${COMM[$1]-} in
      sshd | sshd-* | dropbear | 'tmux: server') CHECKED[$1]=spared ;;
      sh | bash | rbash | dash | ash | zsh | ksh | mksh | csh | tcsh | fish) ! is_persons_shell "$1" || CHECKED[$1]=spared ;;
    esac
    [ "$1" -gt 1 ] || CHECKED[$1]=spared
  fi
  [ "${CHECKED[$1]}" = spared ]
}

# is_persons_shell PID: a login shell, or one that a person types into. A shell in training's own session belongs to
# training.
is_persons_shell() {
  local words=() word
  [ "${SESSION[$1]-}" != "$WRAPPER" ] || return 1
  { mapfile -d '' -t words <"/proc/$1/cmdline"; } 2>/dev/null || return 1
  case ${words[0]-} in -*) return 0 ;; esac
  [ "${TERMINAL[$1]-0}" != 0 ] || return 1
  set -- "${words[@]:1}"
  while [ $# -gt 0 ]; do
    case $1 in
      --rcfile | --init-file) shift ;;
      --*) ;;
      -*c* | [!-]*) return 1 ;;
    esac
    [ $# = 0 ] || shift
  done
}

# is_below_self PID: true for this shell and everything that it has started.
is_below_self() {
  local at=$1
  while [ "$at" -gt 0 ]; do
    [ "$at" != "$$" ] || return 0
    at=${PARENT[at]-0}
  done
  return 1
}

# is_own PID: true when PID or a process above it is marked, with no spared process on the way.
is_own() {
  local at=$1
  while [ "$at" -gt 1 ] && ! is_spared "$at"; do
    [ -z "${MARKED[at]-}" ] || return 0
    at=${PARENT[at]-0}
  done
  return 1
}

# see_marks: sets MARKED (from the environment, and noted earlier) and WRITES; fails when not everything could be
# checked.
see_marks() {
  local id= pid birth boot= found
  local -a known=()
  MARKED=() WRITES=()
  { read -r id <"$KEEP/train.id"; } 2>/dev/null || return 0
  # 2 = some processes have ended meanwhile. More = grep could not be started, or was killed.
  found=$(grep -lzsx "TRAINING_ID=$id" /proc/[0-9]*/environ) || [ $? -le 2 ] || return 1
  for pid in $found; do
    pid=${pid#/proc/}
    MARKED[${pid%/environ}]=1
  done
  see_boot || return 1
  { mapfile -t known <"$KEEP/train.known"; } 2>/dev/null || true
  [ "${known[0]-}" = "$boot" ] || known=()
  set -- ${known[*]:1} ${KNOWN-}
  while [ $# -ge 4 ]; do
    pid=$1 birth=$2
    if [ "${BIRTH[pid]-}" = "$birth" ]; then
      if [ "$4" = own ]; then MARKED[pid]=1; else WRITES[pid]=1; fi
    fi
    shift 4
  done
  found=$(writers) || return 1
  for pid in $found; do WRITES[pid]=1; done
}

# writers: prints pids of processes that write to checkpoints.
writers() {
  local folder=
  { read -r folder <"$KEEP/train.folder"; } 2>/dev/null || return 0
  see_folder "$folder" || return 0
  [ -n "$SEEN" ] && writing
}

# training_processes: prints lines "PID BIRTH GROUP own" or "... writer" for every living process of training. Fails
# when it could not look, because no process could be started or memory was short: then nothing is known.
training_processes() {
  local found
  [ -s "$KEEP/train.id" ] || return 0
  found=$(list_processes) || return 1
  # Nothing was found, but a process may have started its successor and ended during that look, so look again.
  [ -n "$found" ] || found=$(list_processes) || return 1
  [ -z "$found" ] || say "$found"
}

list_processes() {
  local pid
  local -a PARENT GROUP SESSION TERMINAL BIRTH COMM CHECKED MARKED WRITES
  local WRAPPER
  see_processes
  # A shell that does not find itself could not read /proc.
  [ -n "${BIRTH[$$]-}" ] || return 1
  see_self
  see_marks || return 1
  [ $((${#MARKED[@]} + ${#WRITES[@]})) -gt 0 ] || return 0
  for pid in "${!BIRTH[@]}"; do
    if is_own "$pid"; then
      is_below_self "$pid" || say "$pid ${BIRTH[pid]} ${GROUP[pid]} own"
    elif [ -n "${WRITES[pid]-}" ] && ! is_spared "$pid"; then
      is_below_self "$pid" || say "$pid ${BIRTH[pid]} ${GROUP[pid]} writer"
    fi
  done
}

# own_processes: only the lines with own; fails as training_processes does.
own_processes() {
  local found
  found=$(training_processes) || return 1
  set -- $found
  while [ $# -ge 4 ]; do
    [ "$4" != own ] || say "$1 $2 $3 own"
    shift 4
  done
}

# names_of LINES: prints "2 processes (python3 311, sleep 313)", for people.
names_of() {
  local pid name names= count=0
  while read -r pid _; do
    [ -n "$pid" ] || continue
    name=$({ tr -cd '\40-\176' <"/proc/$pid/comm"; } 2>/dev/null) || true
    # The process has ended by now.
    [ -n "$name" ] || continue
    count=$((count + 1))
    [ "$count" -gt 5 ] || names="$names, $name $pid"
  done < <(printf '%s\n' "$1")
  [ "$count" -le 5 ] || names="$names, ..."
  if [ "$count" = 0 ]; then
    printf 'processes that are just ending'
    return
  fi
  if [ "$count" = 1 ]; then printf '1 process'; else printf '%s processes' "$count"; fi
  printf ' (%s)' "${names#, }"
}
