# Ends a step that takes longer than STEP_SECONDS, with every process it has started in its own session. The guard and
# training have sessions of their own and are spared. Values: STEP_SECONDS.
: "${STEP_SECONDS:=10800}"

# limit_step: called by the shell of the step. The watch ends at most a moment after that shell.
limit_step() {
  local self=$BASHPID
  watch_step "$self" &
  trap "kill -KILL $! 2>/dev/null || true" EXIT
}

# watch_step PID
watch_step() {
  local ends=$((SECONDS + STEP_SECONDS)) birth pid own
  birth=$(birth_of "$1") || return 0
  exec 5<> <(:)
  while [ "$SECONDS" -lt "$ends" ]; do
    [ "$(birth_of "$1")" = "$birth" ] || return 0
    # A read instead of sleep: no program is left when this shell is killed.
    read -rt 1 -u 5 _ || true
  done
  own=$(session_of "$1")
  say "this step took longer than stepMaxMinutes allows ($STEP_SECONDS s), and was ended; set a greater one, or mend what hangs" >&2
  kill -STOP "$1" 2>/dev/null || return 0
  for pid in $(children_of "$1"); do [ "$pid" = "$BASHPID" ] || end_tree "$pid"; done
  kill -KILL "$1"
}

# end_tree PID: halts each process before its children are listed, so that it starts no more.
end_tree() {
  local pid
  [ "$(session_of "$1")" = "$own" ] || return 0
  kill -STOP "$1" 2>/dev/null || return 0
  for pid in $(children_of "$1"); do end_tree "$pid"; done
  kill -KILL "$1" 2>/dev/null || true
}

children_of() { grep -lsx "PPid:[[:space:]]*$1" /proc/[0-9]*/status | cut -d / -f 3 || true; }

session_of() {
  local stat=
  { IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || [ -n "$stat" ] || return 0
  set -- ${stat##*) }
  printf '%s' "$4"
}

limit_step
