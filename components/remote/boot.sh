# What the machine's onstart runs at each start, once a step has put it here. Training that was cut short is started
# again, and the guard is started. Training that has ended, or was asked to end, is left as it is.
boot() {
  local left
  lock
  # Training already runs: a person has run onstart by hand.
  ! training_pid >/dev/null || return 0
  rm -f "$KEEP/keep"
  # The wrapper of training may have been killed alone, so training is started again only when none of its processes is
  # left.
  if is_cut_short && left=$(own_processes) && [ -z "$left" ]; then
    start_training "The machine was started again, and training with it."
  fi
  start_guard
}

is_cut_short() {
  [ "$(cat "$KEEP/train.hash" 2>/dev/null)" = "$HASH" ] && [ ! -s "$EXIT" ] && [ ! -e "$KEEP/train.stop" ] && ! hours_over
}
