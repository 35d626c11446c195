# The guard stops this machine when training has ended or its hours are over, so that it does not cost money for
# nothing.
# Values: HASH (what training is), AFTER_TRAINING (stop or keep), AFTER_SECONDS, MAX_SECONDS, MAX_HOURS (as text), GRACE,
# TICK (seconds between two looks), MACHINE_COSTS, DISK_COSTS ("$2.415/h", or empty), ENDS (the command that ends the bill).

# log TEXT...: writes each text as a line of the training log.
log() { printf '[vast-training] %s\n' "$@" >>"$LOG"; }

# see_hours: sets $seconds to how long the machine has run for this training, summed over all starts.
see_hours() {
  local hash=
  { read -r hash seconds _ <"$KEEP/train.hours"; } 2>/dev/null || true
  [ "$hash" = "$HASH" ] || seconds=0
}

hours_over() {
  local seconds=0
  see_hours
  [ "$seconds" -ge "$MAX_SECONDS" ]
}

is_kept() { [ -e "$KEEP/keep" ]; }

# A hold that lies too far ahead comes from a clock that was set since, and does not count.
is_held() {
  local until=0 today
  { read -r until <"$KEEP/hold"; } 2>/dev/null || true
  printf -v today '%(%s)T' -1
  [ $((until - today)) -gt 0 ] && [ $((until - today)) -le 7200 ]
}

# is_fetched: are checkpoints being copied or hashed?
is_fetched() {
  local file comm folder
  folder=$(readlink -m -- "$CHECKPOINTS")
  for file in /proc/[0-9]*/comm; do
    { read -r comm <"$file"; } 2>/dev/null || continue
    case $comm in rsync | sha256sum | scp | tar) ;; *) continue ;; esac
    case $(readlink "${file%comm}cwd")/ in "$folder"/*) return 0 ;; esac
  done
  return 1
}

wants_stop() { [ "$AFTER_TRAINING" = stop ] || [ -e "$KEEP/rescue" ] || hours_over; }

span() {
  if [ "$1" -lt 120 ]; then printf '%s seconds' "$1"; else printf '%s minutes' "$((($1 + 30) / 60))"; fi
}

# what_follows: tells people what happens after the end of training.
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

# farewell CODE: the last words of the wrapper when its command has ended.
farewell() {
  if [ -e "$KEEP/train.stop" ]; then
    say "Training was asked to end, and has with exit code $1."
  else
    say "Training has ended with exit code $1."
    what_follows
  fi
  alive_in "$KEEP/guard.pid" >/dev/null || start_guard
}

# look: one round of the guard.
look() {
  local clock=$last held=
  see_clock
  used=$((used + clock - last)) last=$clock
  note "$KEEP/train.hours" "$HASH $((used / 100))" || true
  # The hold is read before training is looked for, because a start notes its training before it lifts the hold.
  ! is_held || held=1
  [ -z "$cut" ] || make_room
  # Stays set if this look is cut off.
  cut=1
  see_training
  case $? in
    0) watch_training || return 0 ;;
    1) watch_end ;;
    *) return 0 ;;
  esac
  cut=
}

# see_training: fails with 1 when no training runs, and with 2 when that cannot be known.
see_training() {
  local left
  ! training_pid >/dev/null || return 0
  [ -z "$over" ] || return 1
  left=$(training_processes) || return 2
  # The first look-up of the wrapper may have failed, so it is repeated.
  ! training_pid >/dev/null || return 0
  [ -n "$left" ] || return 1
  # The wrapper of training is gone, but some of its processes are left.
  [ -n "$said_left" ] || log "No command of training runs, but $(names_of "$left") of it: training goes on until the last of them has ended, or maxHours ($MAX_HOURS h) are over."
  said_left=1
}

# watch_training: fails when it was cut off before it could look at everything.
watch_training() {
  local line known boot
  seen=1 ended= wait=0 pause=1
  note_saved
  # Processes noted now are still recognised after they lose their parent or change their environment.
  known=$(own_processes) && see_boot || return 1
  put "$KEEP/train.known" "$boot"$'\n'"$known" || true
  hours_over && ! is_kept || return 0
  say_hours_over
  stop_training "$GRACE" maxHours | while IFS= read -r line; do log "$line"; done
  [ "${PIPESTATUS[0]}" = 0 ] || return 1
  # The machine is stopped even if some processes did not end.
  ended=$((last - AFTER_SECONDS * 100)) over=1
}

say_hours_over() {
  [ -n "$said_over" ] || log "This machine has run $MAX_HOURS h for this training, which is its maxHours: training is asked to save and to end" \
    "within $GRACE s, and then the machine is stopped. Its disk goes on billing${DISK_COSTS:+, $DISK_COSTS,} until: $ENDS"
  said_over=1
}

# make_room: the last look was cut off because no process could be started, perhaps because training uses all there is.
# Once the hours of training are over, this shell alone asks its known processes to end, and kills them GRACE seconds
# later.
make_room() {
  local signal=TERM boot= alive= born= known=()
  hours_over && ! is_kept || return 0
  say_hours_over
  if [ -z "$asked" ]; then
    asked=$last
    note "$KEEP/train.stop" maxHours || true
  else
    [ $((last - asked)) -ge $((GRACE * 100)) ] || return 0
    signal=KILL
  fi
  ! see_alive "$KEEP/train.pid" || kill "-$signal" -- "-$alive" 2>/dev/null || true
  { mapfile -t known <"$KEEP/train.known"; } 2>/dev/null || true
  see_boot && [ "${known[0]-}" = "$boot" ] || return 0
  set -- ${known[*]:1}
  while [ $# -ge 4 ]; do
    ! see_birth "$1" || [ "$born" != "$2" ] || [ "$3" = "$alive" ] || kill "-$signal" "$1" 2>/dev/null || true
    shift 4
  done
}

watch_end() {
  if [ -n "$held" ]; then
    # After the hours are over, a hold no longer resets the time.
    [ -n "$over" ] || ended=
    return
  fi
  if [ -z "$ended" ]; then
    ended=$last
    # Not said again when the wrapper has said it already.
    [ -n "$seen" ] && [ -s "$EXIT" ] && [ ! -e "$KEEP/train.stop" ] || tell_end
  fi
  wants_stop || return 0
  if is_kept; then
    [ -n "$said_keep" ] || log "$KEEP/keep is there: the machine runs on, at $MACHINE_COSTS."
    said_keep=1
    return
  fi
  said_keep=
  [ $((last - ended)) -ge $((AFTER_SECONDS * 100)) ] || return 0
  # Six hours after that are enough for any copy; a copy that hangs must not keep the machine.
  [ $((last - ended)) -ge $((AFTER_SECONDS * 100 + 2160000)) ] || ! is_fetched || return 0
  [ $((wait--)) -le 0 ] && ask_to_stop
}

tell_end() {
  local lines
  mapfile -t lines < <(what_follows)
  log "No training runs on this machine." "${lines[@]}"
}

# Asks less and less often, but never stops asking.
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

# keep_library FILE NAME...: saves the values of these names, all exported variables and all functions, to be called
# later by `bash FILE FUNCTION`. Variables of this ssh session are left out.
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

# set_guard: starts the guard with the current values.
set_guard() {
  if ! can_call; then
    command -v apt-get >/dev/null || fail "the image has neither curl, wget nor python3, so this machine could not stop itself, and no apt-get to install one with"
    : >"$LOGS/guard.log"
    logged guard timeout 300 apt-get update -q
    logged guard timeout 300 apt-get install -q -y --no-install-recommends ca-certificates curl
  fi
  [ -n "$(of_first_process CONTAINER_API_KEY)" ] ||
    say "this machine has no key of its own (CONTAINER_API_KEY): it cannot stop itself when training has ended"
  [ -p "$KEEP/rest" ] || mkfifo -m 600 "$KEEP/rest" || true
  keep_library "$KEEP/guard.sh" "${GUARD_VALUES[@]}"
  start_guard
}
