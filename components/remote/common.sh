# What every step begins with. The values it needs stand before this text as assignments.
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

# put FILE LINE: in one step; fails, and leaves the file as it was, when it cannot be written.
put() { { printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1" || { rm -f "$1.new"; false; }; } 2>/dev/null; }

# last_lines FILE [N]: printable, without credentials, and short enough for a terminal; a progress bar counts as lines.
last_lines() {
  tail -c 20000 -- "$1" | tr '\r' '\n' | tr -cd '\11\12\40-\176\200-\377' | tail -n "${2:-20}" | without_credentials | cut -c -300
}

# What is below needs no process of its own, so that it works where none can be started.

# note FILE LINE: in place, which a full disk allows once the file is there. What is behind the first line is of old.
note() { { printf '%s\n' "$2" 3<>"$1" >&3; } 2>/dev/null; }

# rest SECONDS: where there is a descriptor by which nothing ever comes (REST_FD), without a process.
rest() {
  [ -z "${REST_FD-}" ] || { read -rt "$1" -u "$REST_FD" _; } 2>/dev/null || [ $? -le 128 ] || return 0
  sleep "$1"
}

# see_clock: as $clock centiseconds of a clock that nobody sets; one that cannot be read stands still.
see_clock() {
  local up=
  { read -r up _ </proc/uptime; } 2>/dev/null && clock=$((10#${up/./})) || : "${clock:=0}"
}

# see_birth PID: when it was started, in clock ticks since boot, as $born; fails for one that has ended, reaped or not.
see_birth() {
  local stat=
  born=
  { IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || [ -n "$stat" ] || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] && [ "$1" != X ] && born=${20}
}

# see_boot: the running kernel as $boot. After a restart of the host a pid and its birth may come again.
see_boot() { { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null; }

# see_alive FILE: as $alive the pid noted there, if that very process still lives; a pid alone may be another's by now.
see_alive() {
  local pid= birth= noted= born= boot=
  alive=
  { read -r pid birth noted <"$1"; } 2>/dev/null && [ -n "$noted" ] || return 1
  see_boot && see_birth "$pid" && [ "$born" = "$birth" ] && [ "$boot" = "$noted" ] && alive=$pid
}

# note_self FILE: who this shell is, for see_alive.
note_self() {
  local born= boot=
  see_birth "$BASHPID" && see_boot && note "$1" "$BASHPID $born $boot"
}

# await_end PID SECONDS: fails when it is still there then.
await_end() {
  local looks=$(($2 * 10)) born
  while see_birth "$1"; do
    [ $((looks--)) -gt 0 ] || return 1
    rest 0.1
  done
}

# birth_of PID, alive_in FILE, boot_id: the same, printed.
birth_of() { local born && see_birth "$1" && printf '%s' "$born"; }
alive_in() { local alive && see_alive "$1" && printf '%s' "$alive"; }
boot_id() { local boot && see_boot && printf '%s' "$boot"; }

# lock: one at a time starts or stops training, until this shell ends. What outlives it is started with 9>&-.
lock() {
  # A disk that is read-only leaves it as it is.
  { exec 9>"$KEEP/lock" || exec 9<"$KEEP/lock"; } 2>/dev/null || return 0
  ! command -v flock >/dev/null || flock -w 120 9 || true
}

unlock() { exec 9>&-; }

# try_logged STEP COMMAND...: a noisy tool writes to its log; its last line now and then keeps the connection awake.
try_logged() {
  local log=$LOGS/$1.log pid
  shift
  "$@" >>"$log" 2>&1 &
  pid=$!
  until await_end "$pid" 20; do last_lines "$log" 1; done
  wait "$pid"
}

# logged STEP COMMAND...: the same, and a failure shows the end of the log.
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

# of_first_process NAME: the image's own environment, which an ssh session does not have.
of_first_process() {
  local word
  { while IFS= read -r -d '' word || [ -n "$word" ]; do
    case $word in "$1="*) printf '%s' "${word#*=}" && return ;; esac
  done <"$FIRST_PROCESS"; } 2>/dev/null || true
}

image_path=$(of_first_process PATH)
PATH=$PATH${image_path:+:$image_path}

# Killed together, the guard and its watcher come back with the next step; a machine's start begins them in its first minutes.
revive_guard() {
  local clock born
  [ -r "$KEEP/guard.sh" ] && ! alive_in "$KEEP/guard.pid" && ! alive_in "$KEEP/watcher.pid" || return 0
  see_clock && see_birth 1 && [ $((clock - born)) -gt 12000 ] || return 0
  bash "$KEEP/guard.sh" start_guard
}
revive_guard </dev/null >/dev/null 2>&1 || true
