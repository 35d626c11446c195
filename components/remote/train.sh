# A training with this hash runs, or has ended well. Values: WORKSPACE, NAME, COMMIT, HASH, COMMAND, ENV_LINES,
# CHECKPOINTS, NUM_GPUS, WANDB_PROJECT, GRACE, COSTS (a sentence for a training that dies at once).
CODE=$WORKSPACE/$NAME
LOG=$WORKSPACE/train.log
EXIT=$WORKSPACE/train.exit

# newest_checkpoint FOLDER: step_<N> with the greatest N, a file or a folder that holds training_state.*
newest_checkpoint() {
  local path step newest=-1 found=
  while IFS= read -r -d '' path; do
    step=${path##*/step_}
    case $step in '' | *[!0-9]*) continue ;; esac
    [ ${#step} -le 15 ] && [ $((10#$step)) -gt "$newest" ] || continue
    [ ! -d "$path" ] || compgen -G "$path/training_state.*" >/dev/null || continue
    newest=$((10#$step)) found=$path
  done < <(find "$1" -mindepth 1 -maxdepth 3 -name 'step_*' \( -type f -o -type d \) -print0 2>/dev/null)
  printf '%s' "$found"
}

# What the command finds in its environment; a later line wins.
training_environment() {
  local resume library
  export PYTHONUNBUFFERED=1 HF_HOME=$WORKSPACE/hf_cache WANDB_PROJECT
  library=$(of_first_process LD_LIBRARY_PATH)
  [ -z "$library" ] || export LD_LIBRARY_PATH=$library
  [ ! -r "$WORKSPACE/.env" ] || . "$WORKSPACE/.env"
  eval "$ENV_LINES"
  export NUM_GPUS CHECKPOINT_DIR=$CHECKPOINTS CONTAINER_ID TRAINING_ID
  CONTAINER_ID=$(of_first_process CONTAINER_ID)
  resume=$(newest_checkpoint "$CHECKPOINTS")
  unset RESUME_FROM
  [ -z "$resume" ] || export RESUME_FROM=$resume
  export UV_PROJECT_ENVIRONMENT=$WORKSPACE/venvs/$NAME
  if [ -d "$UV_PROJECT_ENVIRONMENT/bin" ]; then
    export VIRTUAL_ENV=$UV_PROJECT_ENVIRONMENT PATH=$UV_PROJECT_ENVIRONMENT/bin:$PATH
  fi
}

# run_training: what the tmux session runs. A signal to the group is for the command; this shell and tee outlive it, so
# that the last lines and the exit code are written down.
run_training() {
  local code=0 tee
  printf '%s %s\n' "$$" "$(birth_of $$)" >"$KEEP/train.pid.new"
  mv -f "$KEEP/train.pid.new" "$KEEP/train.pid"
  trap : TERM INT HUP
  exec > >(trap '' TERM INT HUP; exec tee -- "$LOG") 2>&1
  tee=$!
  # The trap keeps bash there until its command has ended, so that the exit code is the command's own.
  (
    training_environment
    cd "$CODE"
    exec bash -c "trap 'exit \$?' TERM"$'\n'"$COMMAND"
  ) || code=$?
  exec >/dev/null 2>&1
  # A process left in the background may keep tee's input open.
  await_end "$tee" 5 || true
  printf '%s\n' "$code" >"$EXIT.new"
  mv -f "$EXIT.new" "$EXIT"
}

same_hash() { [ "$(cat "$KEEP/train.hash" 2>/dev/null)" = "$HASH" ]; }

ended_well() { [ "$(cat "$EXIT" 2>/dev/null)" = 0 ]; }

start_training() {
  tmux kill-session -t =train 2>/dev/null || true
  [ ! -s "$LOG" ] || mv -f "$LOG" "$LOGS/train-$(date -u +%Y%m%d-%H%M%S).log"
  rm -f "$EXIT" "$KEEP/train.pid" "$LOG"
  mkdir -p "$CHECKPOINTS"
  TRAINING_ID=$(tr -d - </proc/sys/kernel/random/uuid)
  printf '%s\n' "$HASH" >"$KEEP/train.hash"
  printf '%s\n' "$COMMIT" >"$KEEP/train.commit"
  printf '%s\n' "$TRAINING_ID" >"$KEEP/train.id"
  {
    declare -p PATH WORKSPACE KEEP NAME CODE LOG EXIT COMMAND ENV_LINES CHECKPOINTS NUM_GPUS WANDB_PROJECT TRAINING_ID
    declare -f birth_of await_end of_first_process newest_checkpoint training_environment run_training
    echo run_training
  } >"$KEEP/train.sh"
  # The pane stays after the end, so that attach still shows the last lines.
  tmux new-session -d -s train -x 200 -y 50 "exec bash '$KEEP/train.sh'" \; set-option -w -t train: remain-on-exit on
}

# await FILE SECONDS: until it has content.
await() {
  local tries=$(($2 * 10))
  until [ -s "$1" ] || [ -s "$EXIT" ] || [ $((tries--)) = 0 ]; do sleep 0.1; done
}

# Most mistakes show at once: waits for the first line of the log, and then a moment longer.
watch_start() {
  local pid
  await "$KEEP/train.pid" 20
  [ -s "$KEEP/train.pid" ] || fail "tmux did not start the training"
  read -r pid _ <"$KEEP/train.pid"
  await "$LOG" 20
  await_end "$pid" 2 || true
  if [ ! -s "$EXIT" ]; then
    say "training: started, pid $pid"
  elif ended_well; then
    say "training: has ended with exit code 0"
  else
    {
      say "Training has ended with exit code $(cat "$EXIT"). The end of $LOG:"
      last_lines "$LOG"
      say "$COSTS"
    } >&2
    exit 1
  fi
}

if same_hash && pid=$(training_pid); then
  say "training: runs already, pid $pid"
elif same_hash && ended_well; then
  say "training: has ended with exit code 0"
else
  stop_training "$GRACE"
  start_training
  watch_start
fi
