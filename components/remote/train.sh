# Starts this training, unless one with the same hash runs or has ended well. Values: WORKSPACE, NAME, COMMIT, COMMAND,
# COSTS (a sentence for a training that dies at once), INTERACTIVE (not empty = questions may be answered in tmux),
# CHECKS (identifies dependencies, links, set-up and preflight), and those of the environment, the checks and the guard.
CODE=$WORKSPACE/$NAME

# run_training: runs in the tmux session. A signal to the process group is meant for the command; this shell and tee
# survive it, so that the last lines and the exit code are written.
run_training() {
  local code=0 tee told= kills ALONE=()
  see_kills
  note_self "$KEEP/train.pid"
  rm -f "$KEEP/hold"
  trap : INT HUP
  trap told=1 TERM
  exec > >(trap '' TERM INT HUP; exec tee -a -- "$LOG") 2>&1
  tee=$!
  bound_log "$tee" </dev/null >/dev/null 2>&1 &
  # The trap makes bash wait for the command, so that the exit code is the command's own.
  (
    training_environment
    export TRAINING_ID
    TRAINING_ID=$(<"$KEEP/train.id")
    tell_resume
    cd "$CODE"
    [ -n "$INTERACTIVE" ] || leave_terminal
    exec "${ALONE[@]}" bash -c "trap 'exit \$?' TERM"$'\n'"$COMMAND"
  ) || code=$?
  await_left "$code"
  note_saved
  # A machine that shuts down may send TERM to every process. A request to end training always leaves a mark, so without
  # one it is a shutdown.
  if [ -n "$told" ] && [ ! -e "$KEEP/train.stop" ]; then
    say "[vast-training] Training was cut short by a signal from outside; it goes on when the machine is started again."
  else
    [ -e "$KEEP/train.stop" ] || explain_end "$code" "$kills" | sed 's/^/[vast-training] /'
    bash "$KEEP/guard.sh" farewell "$code" </dev/null | sed 's/^/[vast-training] /'
    end=$code
  fi
  exec >/dev/null 2>&1
  # A process left in the background may hold tee's input open.
  await_end "$tee" 5 || true
  [ -n "${end-}" ] || return 0
  put "$EXIT" "$end" || true
}

# leave_terminal: makes every question fail at once, because nobody is there to answer, also questions read from
# /dev/tty. Sets ALONE to the words that run a command without the terminal but in its group and session.
leave_terminal() {
  exec </dev/null
  ! command -v perl >/dev/null || ALONE=(env PERL_BADLANG=0 perl -e
    'ioctl $t, 0x5422, 0 if open $t, "<", "/dev/tty"; close $t; delete $ENV{PERL_BADLANG}; exec { $ARGV[0] } @ARGV')
}

# tell_resume: prints RESUME_SAID here, and notes it for the step that waits.
tell_resume() {
  [ -n "$RESUME_SAID" ] || return 0
  say "$RESUME_SAID" | sed 's/^/[vast-training] /'
  mark "$KEEP/train.resume" "$RESUME_SAID"
}

# await_left CODE: waits for processes that the command has left, which are training too. Says so, unless training was
# asked to end.
await_left() {
  local left looks=0 said= KNOWN=
  while :; do
    # The tools that look must survive a signal to the group. A look that fails proves nothing, so it is repeated.
    left=$(trap '' TERM INT HUP; training_processes) || { rest 1; continue; }
    [ -n "$left" ] || break
    KNOWN=$left
    [ -e "$KEEP/train.left" ] || mark "$KEEP/train.left" "$1"
    # Most of them end a moment after the command.
    if [ $((looks++)) -lt 20 ]; then
      sleep 0.1
      continue
    fi
    [ -n "$said" ] || [ -e "$KEEP/train.stop" ] || say "[vast-training] $(left_text "$1" "$left")"
    said=1
    await_end "${left%% *}" 5
  done
  rm -f "$KEEP/train.left"
}

# left_text CODE LINES
left_text() {
  say "The command has ended with exit code $1 and left $(names_of "$2") running: training goes on until the last of them has ended, or maxHours ($MAX_HOURS h) are over."
}

same_hash() { [ "$(cat "$KEEP/train.hash" 2>/dev/null)" = "$HASH" ]; }

# start_training [LINE]: LINE becomes the first line of the log.
start_training() {
  hold 60
  tmux kill-session -t =train 2>/dev/null || true
  [ ! -s "$LOG" ] || mv -f "$LOG" "$LOGS/train-$(date -u +%Y%m%d-%H%M%S).log"
  rm -f "$EXIT" "$LOG" "$KEEP/keep" "$KEEP/rescue"
  rm -f "$KEEP/train.pid" "$KEEP/train.stop" "$KEEP/train.left" "$KEEP/train.known" "$KEEP/train.saved" "$KEEP/train.resume"
  mkdir -p "$CHECKPOINTS"
  note_saved
  [ -z "${1-}" ] || log "$1"
  printf '%s\n' "$HASH" >"$KEEP/train.hash"
  printf '%s\n' "$COMMIT" >"$KEEP/train.commit"
  tr -d - </proc/sys/kernel/random/uuid >"$KEEP/train.id"
  printf '%s\n' "$CHECKPOINTS" >"$KEEP/train.folder"
  # A tmux server whose last session was just killed may exit while a new session is requested.
  local tries=10
  until open_session 2>/dev/null || [ $((tries--)) = 0 ]; do sleep 0.2; done
  tmux has-session -t =train
}

# open_session: the pane stays after the end, so that attach still shows the last lines.
open_session() {
  tmux new-session -d -s train -x 200 -y 50 "exec bash '$KEEP/train.sh' run_training" \; \
    set-option -w -t train: remain-on-exit on 9>&-
}

# await SECONDS COMMAND...: repeats the command until it succeeds.
await() {
  local tries=$(($1 * 10))
  shift
  until "$@" || [ -s "$EXIT" ] || [ -e "$KEEP/train.left" ] || [ $((tries--)) = 0 ]; do sleep 0.1; done
}

# has_line: has the log a line that is training's own?
has_line() { grep -qav '^\[vast-training\] ' -- "$LOG" 2>/dev/null; }

# note_first_line: notes once how many milliseconds passed from the first login to the first line of training.
note_first_line() {
  ! has_line || [ -s "$KEEP/first-line" ] ||
    printf '%s\n' "$(($(date +%s%3N) - $(<"$KEEP/first-login")))" >"$KEEP/first-line"
}

# say_first_line: prints that time, the line, the page that wandb has named, and when it looked;
# components/run/shown/printed.ts reads them.
say_first_line() {
  local head line page
  say "training: seen at $(date +%s)"
  [ ! -s "$KEEP/first-line" ] || say "training: first line $(<"$KEEP/first-line") ms after the first login"
  head=$(head -c 100000 -- "$LOG" 2>/dev/null | tr -d '\0') || true
  line=$(grep -m1 -av -e '^\[vast-training\] ' -e '^[[:space:]]*$' <<<"$head") || true
  [ -z "$line" ] || say "training: says ${line:0:200}"
  [ -n "$WANDB_RUN_ID" ] || return 0
  page=$(grep -aoEm1 "https?://[A-Za-z0-9.:/_%-]+/runs/$WANDB_RUN_ID\\b" <<<"$head") || true
  [ -z "$page" ] || say "training: wandb ${page%%$'\n'*}"
}

# await_over PID SECONDS: waits until the wrapper has ended, or its command has ended and left something.
await_over() {
  local looks=$(($2 * 10)) born
  while see_birth "$1" && [ ! -e "$KEEP/train.left" ] && [ $((looks--)) -gt 0 ]; do sleep 0.1; done
}

# Most mistakes show at once, so this waits for the first line of the log and then a moment longer. WATCH_SECONDS and
# LEFT_SECONDS: how long for an end of the command, and for one of what it has left.
watch_start() {
  local pid left=
  await 20 test -s "$KEEP/train.pid"
  [ -s "$KEEP/train.pid" ] || fail "tmux did not start the training"
  read -r pid _ <"$KEEP/train.pid"
  # Long imports print nothing for a while, and may fail then.
  await 60 has_line
  note_first_line
  [ ! -s "$KEEP/train.resume" ] || sed 's/^/training: /' "$KEEP/train.resume"
  await_over "$pid" "${WATCH_SECONDS:-2}"
  if [ -e "$KEEP/train.left" ] && ! await_end "$pid" "${LEFT_SECONDS:-3}"; then left=$(training_processes); fi
  if [ -n "$left" ] && [ ! -s "$EXIT" ]; then
    tell_left "$left"
  elif [ ! -s "$EXIT" ]; then
    say "training: started, pid $pid"
    say_first_line
  elif ended_well; then
    say "training: has ended with exit code 0"
    say_first_line
  else
    {
      say "Training has ended with exit code $(cat "$EXIT"). The end of $LOG:"
      last_lines "$LOG"
      say "$COSTS"
    } >&2
    exit 1
  fi
}

# runs_already: true when this very training runs; prints its state.
runs_already() {
  local pid left=
  same_hash || return 1
  if pid=$(training_pid); then
    say "training: runs already, pid $pid"
    [ ! -e "$KEEP/train.left" ] || left=$(training_processes)
    [ -z "$left" ] || say "training: $(left_text "$(cat "$KEEP/train.left" 2>/dev/null || true)" "$left")"
    return
  fi
  # The wrapper may have been killed alone.
  [ ! -s "$EXIT" ] && [ ! -e "$KEEP/train.stop" ] || return 1
  left=$(own_processes)
  [ -n "$left" ] || return 1
  say "training: runs already, without the shell that has started it: $(names_of "$left")"
}

# tell_left LINES: a failed command has failed, even while processes it left go on.
tell_left() {
  local code
  code=$(cat "$KEEP/train.left" 2>/dev/null || true)
  if [ "$code" = 0 ]; then
    say "training: $(left_text "$code" "$1")"
    say_first_line
    return
  fi
  {
    left_text "${code:-unknown}" "$1"
    say "The end of $LOG:"
    last_lines "$LOG"
    say "$COSTS"
  } >&2
  exit 1
}

lock
keep_library "$KEEP/train.sh" "${GUARD_VALUES[@]}" NAME CODE COMMIT COMMAND ENV_LINES NUM_GPUS WANDB_PROJECT WANDB_RUN_ID WANDB_TAGS \
  INTERACTIVE NEWEST RESUME_LAYOUT
# Held before the guard starts, because there may be no training for it to wait for yet.
hold 60
set_guard
if runs_already; then
  rm -f "$KEEP/hold"
  say_first_line
  [ "$(cat "$KEEP/train.checks" 2>/dev/null)" = "$CHECKS" ] ||
    say "training: dependencies, links, setup, preflight or resumeFrom are others than at its start; they count when it is started again, which a new run does"
elif same_hash && ended_well; then
  rm -f "$KEEP/hold"
  say "training: has ended with exit code 0"
  say_first_line
elif hours_over; then
  rm -f "$KEEP/hold"
  fail "training is not started: the machine has run $MAX_HOURS h for it, which is its maxHours; set a greater one, or a new run, and run pulumi up again"
else
  hold "$((GRACE + 120))"
  stop_training "$GRACE"
  prepare_start
  printf '%s\n' "$CHECKS" >"$KEEP/train.checks"
  start_training
  watch_start
fi
