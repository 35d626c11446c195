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

# birth_of PID: when it was started, in clock ticks since boot; fails for a process that has ended, reaped or not.
birth_of() {
  local stat=
  { IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || [ -n "$stat" ] || return 1
  set -- ${stat##*) }
  [ "$1" != Z ] && [ "$1" != X ] && printf '%s' "${20}"
}

# await_end PID SECONDS: fails when it is still there then.
await_end() {
  local looks=$(($2 * 10))
  while birth_of "$1" >/dev/null; do
    [ $((looks--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

# boot_id: of the running kernel. After a restart of the host a pid and its birth may come again.
boot_id() { cat /proc/sys/kernel/random/boot_id; }

# note_self FILE: who this shell is, for alive_in.
note_self() {
  local pid=$BASHPID
  printf '%s %s %s\n' "$pid" "$(birth_of "$pid")" "$(boot_id)" >"$1.$pid"
  mv -f "$1.$pid" "$1"
}

# alive_in FILE: the pid noted there, if that very process still lives; a pid alone may be another's by now.
alive_in() {
  local pid birth boot
  { read -r pid birth boot <"$1"; } 2>/dev/null || return 1
  [ "$(birth_of "$pid")" = "$birth" ] && [ "$boot" = "$(boot_id)" ] && printf '%s' "$pid"
}

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
of_first_process() { cat "$FIRST_PROCESS" 2>/dev/null | tr '\0' '\n' | sed -n "s/^$1=//p" | head -n 1 || true; }

image_path=$(of_first_process PATH)
PATH=$PATH${image_path:+:$image_path}
