# The guard: a process that stops this machine when training has ended or its hours are over, so that nothing idles.
# Values: HASH (what training is), AFTER_TRAINING (stop or keep), AFTER_SECONDS, MAX_SECONDS, MAX_HOURS (as text), GRACE,
# TICK (seconds between two looks), MACHINE_COSTS, DISK_COSTS ("$2.415/h", or empty), ENDS (the command that ends the bill).

# log TEXT...: a line each, in the training log.
log() { printf '[vast-training] %s\n' "$@" >>"$LOG"; }

# centiseconds: a clock that nobody sets.
centiseconds() {
  local up
  read -r up _ </proc/uptime
  printf '%s' "$((10#${up/./}))"
}

# used_seconds: how long the machine has run for this training, all starts together.
used_seconds() {
  local hash= seconds=0
  { read -r hash seconds <"$KEEP/train.hours"; } 2>/dev/null || true
  [ "$hash" = "$HASH" ] && printf '%s' "$seconds" || printf 0
}

hours_over() { [ "$(used_seconds)" -ge "$MAX_SECONDS" ]; }

is_kept() { [ -e "$KEEP/keep" ]; }

# A mark of a clock that was set meanwhile is none.
is_held() {
  local left
  left=$(($(cat "$KEEP/hold" 2>/dev/null || echo 0) - $(date +%s)))
  [ "$left" -gt 0 ] && [ "$left" -le 7200 ]
}

# is_fetched: are checkpoints being copied or hashed?
is_fetched() {
  local comm folder
  folder=$(readlink -m -- "$CHECKPOINTS")
  for comm in $(grep -lsxE 'rsync|sha256sum|scp|tar' /proc/[0-9]*/comm); do
    case $(readlink "${comm%comm}cwd")/ in "$folder"/*) return 0 ;; esac
  done
  return 1
}

wants_stop() { [ "$AFTER_TRAINING" = stop ] || [ -e "$KEEP/rescue" ] || hours_over; }

span() {
  if [ "$1" -lt 120 ]; then printf '%s seconds' "$1"; else printf '%s minutes' "$((($1 + 30) / 60))"; fi
}

# what_follows: for people, after the end of training.
what_follows() {
  if ! wants_stop; then
    say "The machine is kept, as afterTraining says, and goes on costing $MACHINE_COSTS until: $ENDS"
    return
  fi
  ! hours_over || say "It has used its maxHours ($MAX_HOURS h); a greater maxHours and pulumi up let it go on."
  say "In $(span "$AFTER_SECONDS"), at $(TZ=UTC0 printf '%(%H:%M:%S)T' "$(($(date +%s) + AFTER_SECONDS))") UTC, this machine asks Vast to stop it."
  say "To keep it running until its next start: touch $KEEP/keep"
  say "A stopped machine's disk goes on billing${DISK_COSTS:+, $DISK_COSTS,} until: $ENDS"
}

# farewell CODE: what the wrapper says when its command has ended.
farewell() {
  if [ -e "$KEEP/train.stop" ]; then
    say "Training was asked to end, and has with exit code $1."
  else
    say "Training has ended with exit code $1."
    what_follows
  fi
  alive_in "$KEEP/guard.pid" >/dev/null || start_guard
}

# guard: looks every TICK seconds.
guard() {
  local used last now seen= ended= said_keep= said_left= over= held= wait=0 pause=1
  note_self "$KEEP/guard.pid"
  used=$(($(used_seconds) * 100))
  last=$(centiseconds)
  # Two that were started at once: the one that is noted stays.
  while sleep "$TICK" && [ "$(alive_in "$KEEP/guard.pid")" = "$$" ]; do
    now=$(centiseconds)
    used=$((used + now - last)) last=$now
    put "$KEEP/train.hours" "$HASH $((used / 100))" || true
    # Looked at first: training is noted before its hold goes.
    held=
    ! is_held || held=1
    if training_pid >/dev/null || { [ -z "$over" ] && watch_left; }; then watch_training; else watch_end; fi
  done
}

# watch_left: the shell of training is gone; is a process of it left? Says so once.
watch_left() {
  local left
  left=$(training_processes)
  [ -n "$left" ] || return 1
  [ -n "$said_left" ] || log "No command of training runs, but $(names_of "$left") of it: training goes on until the last of them has ended, or maxHours ($MAX_HOURS h) are over."
  said_left=1
}

watch_training() {
  local line
  seen=1 ended= wait=0 pause=1
  note_saved
  # What loses its parent or its environment later is known by then.
  put "$KEEP/train.known" "$(boot_id)"$'\n'"$(own_processes)" || true
  hours_over && ! is_kept || return 0
  log "This machine has run $MAX_HOURS h for this training, which is its maxHours: training is asked to save and to end" \
    "within $GRACE s, and then the machine is stopped. Its disk goes on billing${DISK_COSTS:+, $DISK_COSTS,} until: $ENDS"
  stop_training "$GRACE" maxHours | while IFS= read -r line; do log "$line"; done
  # What does not end even so does not keep the machine.
  ended=$((now - AFTER_SECONDS * 100)) over=1
}

watch_end() {
  if [ -n "$held" ]; then
    # Hours that are over stay so.
    [ -n "$over" ] || ended=
    return
  fi
  if [ -z "$ended" ]; then
    ended=$now
    # What the wrapper has said already is not said twice.
    [ -n "$seen" ] && [ -s "$EXIT" ] && [ ! -e "$KEEP/train.stop" ] || tell_end
  fi
  wants_stop || return 0
  if is_kept; then
    [ -n "$said_keep" ] || log "$KEEP/keep is there: the machine runs on, at $MACHINE_COSTS."
    said_keep=1
    return
  fi
  said_keep=
  [ $((now - ended)) -ge $((AFTER_SECONDS * 100)) ] || return 0
  # Six hours are enough for any copy; one that hangs must not keep the machine.
  [ $((now - ended)) -ge $((AFTER_SECONDS * 100 + 2160000)) ] || ! is_fetched || return 0
  [ $((wait--)) -le 0 ] && ask_to_stop
}

tell_end() {
  local lines
  mapfile -t lines < <(what_follows)
  log "No training runs on this machine." "${lines[@]}"
}

# Asks more and more rarely, and never stops asking.
ask_to_stop() {
  local why
  log "Asking Vast to stop this machine."
  if why=$(stop_machine); then
    log "Vast has taken it. The disk goes on billing${DISK_COSTS:+, $DISK_COSTS,} until: $ENDS"
    wait=30 pause=1
    return
  fi
  log "VAST DOES NOT STOP THIS MACHINE: $why" \
    "IT GOES ON COSTING $MACHINE_COSTS. It is asked again in a moment; this ends it: $ENDS"
  wait=$((pause - 1)) pause=$((pause < 32 ? pause * 2 : 64))
}

# start_guard: a new one in place of the one that runs.
start_guard() {
  local old
  if old=$(alive_in "$KEEP/guard.pid"); then
    kill -TERM -- "-$old" 2>/dev/null || true
    await_end "$old" 5 || kill -KILL -- "-$old" 2>/dev/null || true
  fi
  setsid bash "$KEEP/guard.sh" guard </dev/null >>"$LOGS/guard.log" 2>&1 9>&- &
}

# keep_library FILE NAME...: the values of these names, everything exported, and all functions, to be called later by
# `bash FILE FUNCTION`. What only belongs to this ssh session is left out.
keep_library() {
  local file=$1 name
  shift
  {
    for name in $(compgen -e); do
      case $name in SSH_* | PWD | OLDPWD | SHLVL | TMUX | TMUX_PANE | _) ;; *) declare -p "$name" ;; esac
    done
    declare -p "$@"
    declare -f
    echo '"$@"'
  } >"$file.new"
  chmod 600 "$file.new"
  mv -f "$file.new" "$file"
}

GUARD_VALUES=(PATH WORKSPACE LOGS KEEP FIRST_PROCESS LOG EXIT CHECKPOINTS HASH API AFTER_TRAINING AFTER_SECONDS
  MAX_SECONDS MAX_HOURS GRACE TICK MACHINE_COSTS DISK_COSTS ENDS)

# set_guard: with the values of today.
set_guard() {
  if ! can_call; then
    command -v apt-get >/dev/null || fail "the image has neither curl, wget nor python3, so this machine could not stop itself, and no apt-get to install one with"
    : >"$LOGS/guard.log"
    logged guard timeout 300 apt-get update -q
    logged guard timeout 300 apt-get install -q -y --no-install-recommends ca-certificates curl
  fi
  [ -n "$(of_first_process CONTAINER_API_KEY)" ] ||
    say "this machine has no key of its own (CONTAINER_API_KEY): it cannot stop itself when training has ended"
  keep_library "$KEEP/guard.sh" "${GUARD_VALUES[@]}"
  start_guard
}
