# How to find and stop a running training. Its wrapper notes its own pid, and ends after the last process that belongs
# to training (processes.sh). Other marks, each a file of KEEP:
#   train.stop  training was asked to end, and why; after that only a step starts it again
#   train.left  the command has ended with this exit code, but processes of training are left
#   hold        until this time (seconds since 1970) the guard does not count training as ended: somebody is at work
#   keep        a person wants the machine to run on until its next start
#   rescue      the machine was started only to fetch its files
#   train.saved the folder of checkpoints had files; if it is empty later, they were lost
LOG=$WORKSPACE/train.log
EXIT=$WORKSPACE/train.exit

# training_pid: the wrapper's pid, which is also its process group; fails when no training runs.
training_pid() { alive_in "$KEEP/train.pid"; }

ended_well() { [ ! -e "$KEEP/train.stop" ] && [ "$(cat "$EXIT" 2>/dev/null)" = 0 ]; }

# hold SECONDS: somebody works on the machine, so the guard waits this long.
hold() { put "$KEEP/hold" "$(($(date +%s) + $1))" || cannot_write "$KEEP/hold"; }

# mark FILE TEXT: if TEXT cannot be written, an empty file serves as the mark: it needs no room on a full disk.
mark() { put "$1" "$2" || { : >"$1"; } 2>/dev/null || cannot_write "$1"; }

# Only a warning: the request to training goes on.
cannot_write() { say "this machine cannot write $1: its disk is full, or read-only"; }

# note_saved: marks train.saved once the folder of checkpoints has a file.
note_saved() {
  [ -e "$KEEP/train.saved" ] || [ -z "$(find -L "$CHECKPOINTS" -type f -print -quit 2>/dev/null)" ] ||
    mark "$KEEP/train.saved" yes
}

# training_goes_on: true if it runs, if a process of it is left, or if that cannot be known.
training_goes_on() {
  local left
  training_pid >/dev/null || ! left=$(training_processes) || [ -n "$left" ]
}

# look_again: updates KNOWN; if the look fails, KNOWN stays as it was.
look_again() {
  local left
  ! left=$(training_processes) || KNOWN=$left
}

# stop_training SECONDS [WHY]: asks every process of training to end, waits, and kills those that have not ended.
stop_training() {
  local grace=$1 clock began pid first before KNOWN= ASKED=' ' words=
  see_clock
  began=$clock
  # Marked before anything ends, so that nobody takes it for an end by itself or starts training again.
  [ -s "$EXIT" ] || mark "$KEEP/train.stop" "${2:-asked}"
  pid=$(training_pid) || pid=
  KNOWN=$(training_processes) ||
    fail "what belongs to training cannot be looked for on this machine: it can start no process, or has no memory left"
  [ -n "$pid$KNOWN" ] || return 0
  [ -n "$pid" ] || words="what was left of training, $(names_of "$KNOWN"),"
  before=$(birth_of "$BASHPID")
  # The whole group at once: a shell in it that lives on would begin its next command.
  [ -z "$pid" ] || kill -TERM -- "-$pid" 2>/dev/null || true
  # Each process is asked only once: many take a second signal as an order to give up saving.
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
  # The wrapper ends by itself after its command, and notes the exit code.
  [ -z "$pid" ] || await_end "$pid" 15 || kill -KILL -- "-$pid" 2>/dev/null || true
  say "$words"
}

# ask GROUP [BEFORE]: sends TERM to each of KNOWN that was not asked yet; members of GROUP have had theirs. Processes
# born at BEFORE or later are spared: they may be saving.
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

# end_rest SECONDS: the grace is over. Spared processes are asked now and get SECONDS to end; then everything is killed,
# also what was started meanwhile.
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
