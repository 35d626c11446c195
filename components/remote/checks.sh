# Dependencies, links, set-up and preflight: what stands between the code and a start of training. Values: CODE, LINKS
# (lines "place TAB target"), SETUP and PREFLIGHT (commands as quoted words), COSTS, and those of the dependencies, the
# environment and the guard.

# make_links [early]: with early, a link whose target does not exist yet is left for later.
make_links() {
  local place target
  while IFS=$'\t' read -r place target; do
    [ -n "$place" ] || continue
    if [ ! -e "$target" ]; then
      [ "${1-}" != early ] || continue
      refuse "links: $target is not on the machine, so $place cannot lead to it; name what the image, extraRepos or setup brings, or take it out of links"
    fi
    make_link "$CODE/$place" "$target"
  done <<<"$LINKS"
}

# make_link PLACE TARGET: replaces another link in one step; anything else at PLACE stays.
make_link() {
  local new=$1.vast-training-new
  [ "$(readlink "$1")" != "$2" ] || return 0
  if [ -e "$1" ] && [ ! -L "$1" ]; then
    refuse "links: $1 is no link but a real $([ -d "$1" ] && say directory || say file), which is never deleted; take it out of links, or out of the repository"
  fi
  mkdir -p "$(dirname "$1")"
  rm -f "$new"
  ln -s "$2" "$new"
  mv -fT "$new" "$1"
}

# refuse TEXT: training cannot start. The guard no longer waits for it.
refuse() {
  rm -f "$KEEP/hold"
  {
    say "$1"
    say "$COSTS"
    what_follows
  } >&2
  exit 1
}

# in_environment SECONDS COMMAND: runs it in the code's folder, with the environment of training.
in_environment() {
  training_environment
  cd "$CODE"
  exec timeout -k 10 "$1" bash -c "$2"
}

# run_all WHAT SECONDS COMMAND...: runs each in turn with its own log; prints which failed and how.
run_all() {
  local what=$1 seconds=$2 command code log number=0 failed=0 began kills
  shift 2
  for command; do
    number=$((number + 1))
    log=$LOGS/$what-$number.log code=0
    hold "$((seconds + 120))"
    : >"$log"
    see_kills
    began=$SECONDS
    say "$what: $command"
    try_logged "$what-$number" in_environment "$seconds" "$command" 9>&- || code=$?
    [ "$code" != 0 ] || continue
    failed=1
    {
      if [ $((SECONDS - began)) -ge "$seconds" ]; then
        say "$what: took longer than $seconds s: $command"
      else
        say "$what: exit code $code: $command"
        explain_end "$code" "$kills"
      fi
      if [ -s "$log" ]; then
        say "The end of $log:"
        last_lines "$log"
      else
        say "It has printed nothing."
      fi
    } >&2
    # A later set-up command may need this one, so set-up stops here; preflight reports every failure.
    [ "$what" = preflight ] || break
  done
  return "$failed"
}

# prepare_start: called with the lock, and releases it while commands run, so that a request to stop training is heard.
prepare_start() {
  local commands
  rm -f "$EXIT"
  say "not yet ready, $BASHPID" >"$KEEP/train.stop"
  unlock
  install_dependencies
  make_links early
  eval "commands=($SETUP)"
  run_all setup 3600 "${commands[@]}" || refuse "Training is not started: setup has failed."
  make_links
  eval "commands=($PREFLIGHT)"
  run_all preflight 600 "${commands[@]}" || refuse "Training is not started: not all of preflight has passed."
  lock
  [ "$(cat "$KEEP/train.stop")" = "not yet ready, $BASHPID" ] || fail "training is not started: it was asked to stop meanwhile"
}
