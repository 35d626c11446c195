# Who belongs to the training that this machine knows:
#   own     carries its TRAINING_ID in the environment; or is below such a process; or was one of these when somebody last
#           looked, for a process may write its title over its environment, and lose its parent
#   writer  holds a file of the checkpoints (folder.sh) open for writing, whoever started it
# Nobody else is ever signalled: not what people and steps are logged in by, not what all training runs in, not ourselves.
# Files of KEEP: train.id, train.folder (of checkpoints), train.known (boot id, and lines of training_processes).

# One that is given to the shell that runs this is not for what it starts.
unset TRAINING_ID

# see_processes: every process that lives, by its pid, in PARENT, GROUP, SESSION, TERMINAL, BIRTH and COMM.
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

# see_self: this shell, and what it runs below, are spared; what is below it is left out by is_ours.
see_self() {
  local at=$$ noted
  while [ "$at" -gt 0 ]; do
    CHECKED[at]=spared at=${PARENT[at]-0}
  done
  for noted in train guard; do
    at=$(alive_in "$KEEP/$noted.pid") && CHECKED[at]=spared
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

# is_persons_shell PID: somebody logged in with it, or types into it. One in training's own terminal is its command's.
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

# is_below_self PID: this shell, or one that it has started.
is_below_self() {
  local at=$1
  while [ "$at" -gt 0 ]; do
    [ "$at" != "$$" ] || return 0
    at=${PARENT[at]-0}
  done
  return 1
}

# is_own PID: it, or one above it that nobody spared stands between, is marked.
is_own() {
  local at=$1
  while [ "$at" -gt 1 ] && ! is_spared "$at"; do
    [ -z "${MARKED[at]-}" ] || return 0
    at=${PARENT[at]-0}
  done
  return 1
}

# see_marks: MARKED by the environment, or known of old, and WRITES.
see_marks() {
  local id= pid birth kind boot=
  MARKED=() WRITES=()
  { id=$(<"$KEEP/train.id"); } 2>/dev/null || return 0
  for pid in $(grep -lzsx "TRAINING_ID=$id" /proc/[0-9]*/environ | cut -d / -f 3); do MARKED[pid]=1; done
  while read -r pid birth _ kind; do
    [ -n "$kind" ] && [ "${BIRTH[pid]-}" = "$birth" ] || continue
    if [ "$kind" = own ]; then MARKED[pid]=1; else WRITES[pid]=1; fi
  done < <(
    { read -r boot && [ "$boot" = "$(boot_id)" ] && cat; } 2>/dev/null <"$KEEP/train.known"
    printf '%s\n' "${KNOWN-}"
  )
  for pid in $(writers); do WRITES[pid]=1; done
}

# writers: pids of who writes to checkpoints.
writers() {
  local folder
  { folder=$(<"$KEEP/train.folder"); } 2>/dev/null || return 0
  ! see_folder "$folder" || writing
}

# training_processes: lines "PID BIRTH GROUP own" or "... writer" of all that belongs to training and lives.
training_processes() {
  local found
  [ -s "$KEEP/train.id" ] || return 0
  found=$(list_processes)
  # A process may have handed over to a new one between two looks of the first.
  [ -n "$found" ] || found=$(list_processes)
  [ -z "$found" ] || say "$found"
}

list_processes() {
  local pid
  local -a PARENT GROUP SESSION TERMINAL BIRTH COMM CHECKED MARKED WRITES
  local WRAPPER
  see_processes
  see_self
  see_marks
  [ $((${#MARKED[@]} + ${#WRITES[@]})) -gt 0 ] || return 0
  for pid in "${!BIRTH[@]}"; do
    if is_own "$pid"; then
      is_below_self "$pid" || say "$pid ${BIRTH[pid]} ${GROUP[pid]} own"
    elif [ -n "${WRITES[pid]-}" ] && ! is_spared "$pid"; then
      is_below_self "$pid" || say "$pid ${BIRTH[pid]} ${GROUP[pid]} writer"
    fi
  done
}

# own_processes: those of them that are training's own.
own_processes() { training_processes | grep ' own$' || true; }

# names_of LINES: "2 processes (python3 311, sleep 313)", for people.
names_of() {
  local pid name names= count=0
  while read -r pid _; do
    [ -n "$pid" ] || continue
    name=$({ tr -cd '\40-\176' <"/proc/$pid/comm"; } 2>/dev/null) || true
    # It has ended by now.
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
