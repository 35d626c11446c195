# How to find and stop the training that runs, if any. Its wrapper notes its own pid and birth, because a pid alone is
# given to another process after a restart; every process below it carries TRAINING_ID in its environment.

# training_pid: the wrapper's pid, which is also its process group; fails when no training runs.
training_pid() {
  local pid birth
  { read -r pid birth <"$KEEP/train.pid"; } 2>/dev/null || return 1
  [ "$(birth_of "$pid")" = "$birth" ] && printf '%s' "$pid"
}

# training_processes: everything that training has started and that is still there.
training_processes() {
  local id
  { id=$(<"$KEEP/train.id"); } 2>/dev/null || return 0
  grep -lzsx "TRAINING_ID=$id" /proc/[0-9]*/environ | cut -d / -f 3 || true
}

# stop_training SECONDS: asks, waits, and ends what did not listen.
stop_training() {
  local grace=$1 began=$SECONDS pid left
  pid=$(training_pid) || { end_leftovers; return 0; }
  kill -TERM -- "-$pid" 2>/dev/null || true
  await_end "$pid" "$grace" || true
  left=$(training_processes)
  while [ -n "$left" ] && [ $((SECONDS - began)) -lt "$grace" ]; do
    await_end "${left%%$'\n'*}" 1 || true
    left=$(training_processes)
  done
  if [ -n "$left" ] || training_pid >/dev/null; then
    end_leftovers
    # The wrapper ends by itself once its child has, and notes the exit code.
    await_end "$pid" 5 || kill -KILL -- "-$pid" 2>/dev/null || true
    say "training did not end within $grace s and was killed; what it did not save is lost"
  else
    say "training has stopped after $((SECONDS - began)) s"
  fi
}

end_leftovers() {
  local pid
  for pid in $(training_processes); do kill -KILL "$pid" 2>/dev/null || true; done
}
