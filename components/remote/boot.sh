# What the machine's onstart runs at each start, once a step has left it here: training that was cut short goes on, and
# the guard watches again. One that has ended, well or not, or was asked to, is left as it is.
boot() {
  local left
  lock
  # Somebody runs onstart by hand.
  ! training_pid >/dev/null || return 0
  rm -f "$KEEP/keep"
  # Its shell may have been killed alone.
  if is_cut_short && left=$(own_processes) && [ -z "$left" ]; then
    start_training "The machine was started again, and training with it."
  fi
  start_guard
}

is_cut_short() {
  [ "$(cat "$KEEP/train.hash" 2>/dev/null)" = "$HASH" ] && [ ! -s "$EXIT" ] && [ ! -e "$KEEP/train.stop" ] && ! hours_over
}
