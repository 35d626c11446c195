# How to find and stop the training that runs, if any. Its wrapper notes who it is; every process below it carries
# TRAINING_ID in its environment. Marks beside it, each a file of KEEP:
#   train.stop  training was asked to end, and why; nothing but a step starts it again
#   hold        seconds since 1970 until which the guard does not count training as ended: somebody is at work
#   keep        a person wants the machine to go on running, until its next start
#   rescue      the machine was started for its files alone
LOG=$WORKSPACE/train.log
EXIT=$WORKSPACE/train.exit

# training_pid: the wrapper's pid, which is also its process group; fails when no training runs.
training_pid() { alive_in "$KEEP/train.pid"; }

ended_well() { [ ! -e "$KEEP/train.stop" ] && [ "$(cat "$EXIT" 2>/dev/null)" = 0 ]; }

# hold SECONDS: somebody is at work on the machine, and the guard is to wait.
hold() {
  printf '%s\n' "$(($(date +%s) + $1))" >"$KEEP/hold.new"
  mv -f "$KEEP/hold.new" "$KEEP/hold"
}

# training_processes: everything that training has started and that is still there.
training_processes() {
  local id
  { id=$(<"$KEEP/train.id"); } 2>/dev/null || return 0
  grep -lzsx "TRAINING_ID=$id" /proc/[0-9]*/environ | cut -d / -f 3 || true
}

# stop_training SECONDS [WHY]: asks, waits, and ends what did not listen.
stop_training() {
  local grace=$1 began=$SECONDS pid left
  # Before anything ends, so that nobody takes this for an end of training's own, or starts it again.
  [ -s "$EXIT" ] || printf '%s\n' "${2:-asked}" >"$KEEP/train.stop"
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
    await_end "$pid" 15 || kill -KILL -- "-$pid" 2>/dev/null || true
    say "training did not end within $grace s and was killed; what it did not save is lost"
  else
    say "training has stopped after $((SECONDS - began)) s"
  fi
}

end_leftovers() {
  local pid
  for pid in $(training_processes); do kill -KILL "$pid" 2>/dev/null || true; done
}
