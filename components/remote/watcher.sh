# Two processes make sure that this machine stops: the guard watches training, and the watcher watches the guard. Each
# starts the other again when it is gone. Their rounds need no new process and no memory: where no process can be
# started they go on, and act as soon as one can. Both read this library from standard input, so their arguments do not
# contain names such as training's or this folder's: a `pkill -f` with such a name finds neither, and no pattern finds
# both.

# guard: takes over from the guard before it, if there is one.
guard() {
  local alive= clock=0 seconds=0
  see_alive "$KEEP/guard.pid" || true
  note_self "$KEEP/guard.pid" || true
  [ -z "$alive" ] || kill -KILL -- "-$alive" 2>/dev/null || true
  see_clock
  see_hours
  stand guard "used=$((seconds * 100))" "last=$clock" seen= ended= said_keep= said_left= said_over= over= wait=0 pause=1 cut= asked=
}

watcher() {
  note_self "$KEEP/watcher.pid" || true
  stand watcher
}

# stand WHO [NAME=VALUE...]: runs until another WHO has taken over. Of two started at once, the one in the pid file
# stays.
stand() {
  local score now alive other=guard started='0 0'
  declare -g who=$1
  [ "$who" = watcher ] || other=watcher
  [ $# = 1 ] || declare -g "${@:2}"
  trap '' HUP INT QUIT TERM USR1 USR2 PIPE
  # When bash cannot start a process, it exits after about 15 seconds of trying; go_on starts it again.
  trap go_on EXIT
  shopt -s execfail
  # Where the kernel allows it: killed last when memory runs out, and not named "bash".
  { read -r now </proc/self/oom_score_adj; } 2>/dev/null || now=0
  for score in -1000 -500 0; do
    [ "$score" -ge "$now" ] || { printf '%s' "$score" >/proc/self/oom_score_adj; } 2>/dev/null && break
  done
  { printf '%s' "$who" >/proc/self/comm; } 2>/dev/null || true
  REST_FD=7
  [ ! -p "$KEEP/rest" ] || exec 7<>"$KEEP/rest"
  cd /
  while :; do
    rest "$TICK" || true
    see_alive "$KEEP/$who.pid" || { note_self "$KEEP/$who.pid" && see_alive "$KEEP/$who.pid"; } || true
    # On a disk that cannot be written no pid is noted: this one stays, and starts no other.
    [ "${alive:-$$}" = "$$" ] || break
    [ -z "$alive" ] || keep_up "$other"
    [ "$who" != guard ] || look
  done
  trap - EXIT
}

# go_on: starts this process again from the beginning, under the same pid.
go_on() {
  local name state=()
  [ "$who" = watcher ] || for name in used last seen ended said_keep said_left said_over over wait pause cut asked; do
    state+=("$name=${!name-}")
  done
  while :; do
    exec bash -s stand "$who" "${state[@]}" <"$KEEP/guard.sh"
    rest "$TICK"
  done
}

# keep_up WHO: makes sure that WHO lives, or starts it.
keep_up() {
  local alive born
  if see_alive "$KEEP/$1.pid"; then
    # Wakes it if somebody has halted it.
    kill -CONT "$alive" 2>/dev/null || true
  elif ! see_birth "${started% *}" || [ "$born" != "${started#* }" ]; then
    start "$1"
    see_birth "$!" && started="$! $born" || true
  fi
}

# start WHO: in a session of its own, writing to the caller's log.
start() { setsid bash -s "$1" <"$KEEP/guard.sh" & }

# start_guard: replaces a running guard and watcher. The new ones do not inherit the caller's lock and conversation.
start_guard() {
  local alive= log=$LOGS/guard.log
  see_alive "$KEEP/guard.pid" || true
  { : >>"$log"; } 2>/dev/null || log=/dev/null
  {
    start guard
    start watcher
  } >>"$log" 2>&1 8<&- 9>&-
  # The old guard still acts by the old values.
  [ -z "$alive" ] || await_end "$alive" 10 || true
}
