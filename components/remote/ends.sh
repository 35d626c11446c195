# Explains why a command has ended, where the exit code alone is not clear to everyone.

# see_kills: sets $kills to the number of processes killed on this machine for lack of memory; empty = not known.
see_kills() {
  local file name count folder=${CGROUP:-/sys/fs/cgroup}
  kills=
  for file in "$folder/memory.events" "$folder/memory/memory.oom_control"; do
    { while read -r name count; do [ "$name" != oom_kill ] || kills=$count; done <"$file"; } 2>/dev/null || true
  done
}

# explain_end CODE KILLS: KILLS is what see_kills found before the command. Prints nothing when no explanation is
# needed.
explain_end() {
  local kills
  see_kills
  if [ "$1" != 0 ] && [ -n "$2" ] && [ "${kills:-0}" -gt "$2" ]; then
    say "Memory ran out$(memory_limit): the machine killed $((kills - $2)) of the processes. Fewer workers or less in memory at once help, or a machine with more."
  elif [ "$1" = 137 ] && [ -n "$kills" ]; then
    say "Exit code 137 is a kill (SIGKILL); it was not for want of memory, as far as the machine tells."
  elif [ "$1" = 137 ]; then
    say "Exit code 137 is a kill (SIGKILL), most often for want of memory; this machine does not tell."
  elif [ "$1" = 135 ]; then
    say "Exit code 135 is a bus error (SIGBUS), most often because /dev/shm or the disk is full: $(df -Ph /dev/shm | awk 'NR == 2 { print $3 " of " $2 " of /dev/shm are used" }')."
  fi
}

# memory_limit: prints " (62.8 GB)", or nothing.
memory_limit() {
  local file bytes folder=${CGROUP:-/sys/fs/cgroup}
  for file in "$folder/memory.max" "$folder/memory/memory.limit_in_bytes"; do
    { read -r bytes <"$file"; } 2>/dev/null || continue
    # A word or a very large number means that there is no limit.
    case $bytes in *[!0-9]* | ????????????????*) ;; *) printf ' (%s GB)' "$((bytes / 1000000000)).$((bytes / 100000000 % 10))" ;; esac
    return
  done
}
