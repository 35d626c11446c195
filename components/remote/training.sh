# How to find and stop the training that runs, if any. Its wrapper notes who it is, and ends after the last process that
# belongs to training (processes.sh). Marks beside it, each a file of KEEP:
#   train.stop  training was asked to end, and why; nothing but a step starts it again
#   train.left  the command has ended with this exit code, and processes of training are left
#   hold        seconds since 1970 until which the guard does not count training as ended: somebody is at work
#   keep        a person wants the machine to go on running, until its next start
#   rescue      the machine was started for its files alone
#   train.saved files were seen in its folder of checkpoints: an empty one later has lost them
LOG=$WORKSPACE/train.log
EXIT=$WORKSPACE/train.exit

# training_pid: the wrapper's pid, which is also its process group; fails when no training runs.
training_pid() { alive_in "$KEEP/train.pid"; }

ended_well() { [ ! -e "$KEEP/train.stop" ] && [ "$(cat "$EXIT" 2>/dev/null)" = 0 ]; }

# hold SECONDS: somebody is at work on the machine, and the guard is to wait.
hold() { put "$KEEP/hold" "$(($(date +%s) + $1))" || cannot_write "$KEEP/hold"; }

# mark FILE TEXT: an empty file is a mark as well, and needs no room on a disk that is full.
mark() { put "$1" "$2" || { : >"$1"; } 2>/dev/null || cannot_write "$1"; }

# What is asked of training is asked all the same.
cannot_write() { say "this machine cannot write $1: its disk is full, or read-only"; }

# note_saved: once there is something in the folder of checkpoints.
note_saved() {
  [ -e "$KEEP/train.saved" ] || [ -z "$(find -L "$CHECKPOINTS" -type f -print -quit 2>/dev/null)" ] ||
    mark "$KEEP/train.saved" yes
}

# training_goes_on: it runs, or a process of it is left, or nobody knows.
training_goes_on() {
  local left
  training_pid >/dev/null || ! left=$(training_processes) || [ -n "$left" ]
}

# look_again: KNOWN as it is now; what cannot be looked at stays as it was.
look_again() {
  local left
  ! left=$(training_processes) || KNOWN=$left
}

# stop_training SECONDS [WHY]: asks everything that belongs to it, waits, and ends what did not listen.
stop_training() {
  local grace=$1 clock began pid first before KNOWN= ASKED=' ' words=
  see_clock
  began=$clock
  # Before anything ends, so that nobody takes this for an end of training's own, or starts it again.
  [ -s "$EXIT" ] || mark "$KEEP/train.stop" "${2:-asked}"
  pid=$(training_pid) || pid=
  KNOWN=$(training_processes) ||
    fail "what belongs to training cannot be looked for on this machine: it can start no process, or has no memory left"
  [ -n "$pid$KNOWN" ] || return 0
  [ -n "$pid" ] || words="what was left of training, $(names_of "$KNOWN"),"
  before=$(birth_of "$BASHPID")
  # All at once, or a shell between them would begin its next command.
  [ -z "$pid" ] || kill -TERM -- "-$pid" 2>/dev/null || true
  # Each hears it once: to many a second signal means to give up saving.
  ask "$pid"
  while look_again && [ -n "$KNOWN" ] || { [ -n "$pid" ] && birth_of "$pid" >/dev/null; }; do
    see_clock
    [ $((clock - began)) -lt $((grace * 100)) ] || break
    ask "$pid" "$before"
    first=${KNOWN:-$pid}
    await_end "${first%% *}" 1 || true
  done
  if [ -n "$KNOWN" ]; then
    end_rest "$((grace < 5 ? grace : 5))"
    words="${words:-training} did not end within $grace s and was killed; what it did not save is lost"
  else
    see_clock
    words="${words:-training} has stopped after $(((clock - began) / 100)) s"
  fi
  # The wrapper ends by itself once its child has, and notes the exit code.
  [ -z "$pid" ] || await_end "$pid" 15 || kill -KILL -- "-$pid" 2>/dev/null || true
  say "$words"
}

# ask GROUP [BEFORE]: each of KNOWN that was not asked yet, alone or with this GROUP. Who was born when the others had been
# asked, not BEFORE, is perhaps what saves, and is let be.
ask() {
  local group=$1 before=${2-}
  set -- $KNOWN
  while [ $# -ge 4 ]; do
    case $ASKED in
      *" $1:$2 "*) ;;
      *)
        if [ -z "$before" ] || [ "$2" -lt "$before" ]; then
          [ "$3" = "$group" ] || kill -TERM "$1" 2>/dev/null || true
          ASKED="$ASKED$1:$2 "
        fi
        ;;
    esac
    shift 4
  done
}

# end_rest SECONDS: the grace is over. Who was let be is asked now, and has so long; then all of them are killed, and what
# they have started meanwhile.
end_rest() {
  local asked=$ASKED clock ends rounds=20
  see_clock
  ends=$((clock + $1 * 100))
  ask -
  if [ "$asked" != "$ASKED" ]; then
    while [ -n "$KNOWN" ] && [ "$clock" -lt "$ends" ]; do
      await_end "${KNOWN%% *}" 1 || true
      look_again
      see_clock
    done
  fi
  while [ -n "$KNOWN" ] && [ $((rounds--)) -gt 0 ]; do
    set -- $KNOWN
    while [ $# -ge 4 ]; do
      kill -KILL "$1" 2>/dev/null || true
      shift 4
    done
    await_end "${KNOWN%% *}" 1 || true
    look_again
  done
}
