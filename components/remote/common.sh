# Every step begins with this text. Assignments of the values it needs stand before it.
set -euo pipefail

LOGS=$WORKSPACE/logs
KEEP=$WORKSPACE/.vast-training
mkdir -p "$LOGS"
mkdir -p -m 700 "$KEEP"
: "${FIRST_PROCESS:=/proc/1/environ}"

# When somebody first logged in, milliseconds since 1970.
[ -s "$KEEP/first-login" ] || date +%s%3N >"$KEEP/first-login" || true

say() { printf '%s\n' "$*"; }

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# put FILE LINE: writes in one step; fails and leaves the file as it was when it cannot be written.
put() { { printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1" || { rm -f "$1.new"; false; }; } 2>/dev/null; }

# last_lines FILE [N]: printable, without credentials, and short enough for a terminal; each state of a progress bar
# counts as a line.
last_lines() {
  tail -c 20000 -- "$1" | tr '\r' '\n' | tr -cd '\11\12\40-\176\200-\377' | tail -n "${2:-20}" | without_credentials | cut -c -300
}

# The functions below start no process, so that they work where none can be started.

# note FILE LINE: overwrites in place, which works on a full disk once the file exists. Only the first line counts: the
# rest may be left from an earlier note.
note() { { printf '%s\n' "$2" 3<>"$1" >&3; } 2>/dev/null; }

# rest SECONDS: starts no process where REST_FD is a descriptor on which nothing ever arrives.
rest() {
  [ -z "${REST_FD-}" ] || { read -rt "$1" -u "$REST_FD" _; } 2>/dev/null || [ $? -le 128 ] || return 0
  sleep "$1"
}

# see_clock: sets $clock to centiseconds of a clock that nobody can set; unchanged when it cannot be read.
see_clock() {
  local up=
  { read -r up _ </proc/uptime; } 2>/dev/null && clock=$((10#${up/./})) || : "${clock:=0}"
}

# see_birth PID: sets $born to its start time in clock ticks since boot; fails when it has ended, even if not reaped.
see_birth() {
  local stat=
  born=
  { IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || [ -n "$stat" ] || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] && [ "$1" != X ] && born=${20}
}

# see_boot: sets $boot to the id of this boot. After a reboot of the host the same pid and start time may occur again.
see_boot() { { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null; }

# see_alive FILE: sets $alive to the pid noted there if that very process still lives. The start time is compared too,
# because a pid may be reused.
see_alive() {
  local pid= birth= noted= born= boot=
  alive=
  { read -r pid birth noted <"$1"; } 2>/dev/null && [ -n "$noted" ] || return 1
  see_boot && see_birth "$pid" && [ "$born" = "$birth" ] && [ "$boot" = "$noted" ] && alive=$pid
}

# note_self FILE: notes this shell's pid and start time for see_alive.
note_self() {
  local born= boot=
  see_birth "$BASHPID" && see_boot && note "$1" "$BASHPID $born $boot"
}

# await_end PID SECONDS: waits for its end; fails when it still lives after that time.
await_end() {
  local looks=$(($2 * 10)) born
  while see_birth "$1"; do
    [ $((looks--)) -gt 0 ] || return 1
    rest 0.1
  done
}

# birth_of PID, alive_in FILE, boot_id: print what the functions above set.
birth_of() { local born && see_birth "$1" && printf '%s' "$born"; }
alive_in() { local alive && see_alive "$1" && printf '%s' "$alive"; }
boot_id() { local boot && see_boot && printf '%s' "$boot"; }

# lock: only one shell at a time starts or stops training; held until this shell ends. Processes that outlive it are
# started with 9>&-.
lock() {
  # On a read-only disk an existing lock file is opened for reading.
  { exec 9>"$KEEP/lock" || exec 9<"$KEEP/lock"; } 2>/dev/null || return 0
  ! command -v flock >/dev/null || flock -w 120 9 || true
}

unlock() { exec 9>&-; }

# try_logged STEP COMMAND...: sends a noisy tool's output to a log, and shows the log's last line now and then, which
# keeps the connection awake.
try_logged() {
  local log=$LOGS/$1.log pid
  shift
  "$@" >>"$log" 2>&1 &
  pid=$!
  until await_end "$pid" 20; do last_lines "$log" 1; done
  wait "$pid"
}

# logged STEP COMMAND...: as try_logged; after a failure it shows the end of the log.
logged() {
  local code=0 log=$LOGS/$1.log
  try_logged "$@" || code=$?
  [ "$code" != 0 ] || return 0
  {
    [ "$code" = 124 ] && say "$1: took too long" || say "$1: exit code $code"
    say "The end of $log:"
    last_lines "$log"
  } >&2
  return "$code"
}

# of_first_process NAME: a variable of the image's own environment, which an ssh session does not have.
of_first_process() {
  local word
  { while IFS= read -r -d '' word || [ -n "$word" ]; do
    case $word in "$1="*) printf '%s' "${word#*=}" && return ;; esac
  done <"$FIRST_PROCESS"; } 2>/dev/null || true
}

image_path=$(of_first_process PATH)
PATH=$PATH${image_path:+:$image_path}

# If the guard and its watcher were killed together, the next step starts them again. In a machine's first two minutes
# onstart may still be about to start them.
revive_guard() {
  local clock born
  [ -r "$KEEP/guard.sh" ] && ! alive_in "$KEEP/guard.pid" && ! alive_in "$KEEP/watcher.pid" || return 0
  see_clock && see_birth 1 && [ $((clock - born)) -gt 12000 ] || return 0
  bash "$KEEP/guard.sh" start_guard
}
revive_guard </dev/null >/dev/null 2>&1 || true
