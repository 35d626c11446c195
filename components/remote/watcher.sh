# Two processes see to it that this machine stops: the guard looks at training, the watcher at the guard alone, and each
# starts the other again when that is gone. What they do in every round needs no process and no room: where none can be
# started they go on, and act as soon as one can. Both read this library from their standard input: who kills by what is in
# arguments, such as the name of training or of this folder, finds neither, and nobody finds both.

# guard: takes over from the one before.
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

# stand WHO [NAME=VALUE...]: until another WHO has taken over. Two that were started at once: the one that is noted stays.
stand() {
  local score now alive other=guard started='0 0'
  declare -g who=$1
  [ "$who" = watcher ] || other=watcher
  [ $# = 1 ] || declare -g "${@:2}"
  trap '' HUP INT QUIT TERM USR1 USR2 PIPE
  # A bash that cannot start a process ends, after a quarter of a minute of trying.
  trap go_on EXIT
  shopt -s execfail
  # Where the kernel lets us: the last to go when memory runs out, and nobody's "bash".
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
    # On a disk that cannot be written nobody is noted: it stays, and starts nobody.
    [ "${alive:-$$}" = "$$" ] || break
    [ -z "$alive" ] || keep_up "$other"
    [ "$who" != guard ] || look
  done
  trap - EXIT
}

# go_on: the same process, from the beginning.
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

# keep_up WHO: the other one lives, or has just been started.
keep_up() {
  local alive born
  if see_alive "$KEEP/$1.pid"; then
    # One that somebody has halted goes on.
    kill -CONT "$alive" 2>/dev/null || true
  elif ! see_birth "${started% *}" || [ "$born" != "${started#* }" ]; then
    start "$1"
    see_birth "$!" && started="$! $born" || true
  fi
}

# start WHO: in a session of its own, with the log of whoever starts it.
start() { setsid bash -s "$1" <"$KEEP/guard.sh" & }

# start_guard: new ones in place of those that run. Theirs is no descriptor of whoever starts them.
start_guard() {
  local alive= log=$LOGS/guard.log
  see_alive "$KEEP/guard.pid" || true
  { : >>"$log"; } 2>/dev/null || log=/dev/null
  {
    start guard
    start watcher
  } >>"$log" 2>&1 8<&- 9>&-
  # It acts by values of yesterday.
  [ -z "$alive" ] || await_end "$alive" 10 || true
}
