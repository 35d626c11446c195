# Why a command has ended, where its exit code does not say it to everyone.

# see_kills: as $kills how many processes of this machine have been killed for want of memory; empty = it does not tell.
see_kills() {
  local file name count folder=${CGROUP:-/sys/fs/cgroup}
  kills=
  for file in "$folder/memory.events" "$folder/memory/memory.oom_control"; do
    { while read -r name count; do [ "$name" != oom_kill ] || kills=$count; done <"$file"; } 2>/dev/null || true
  done
}

# explain_end CODE KILLS: KILLS is what see_kills found before. Says nothing of an end that needs no explanation.
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

# memory_limit: " (62.8 GB)", or nothing.
memory_limit() {
  local file bytes folder=${CGROUP:-/sys/fs/cgroup}
  for file in "$folder/memory.max" "$folder/memory/memory.limit_in_bytes"; do
    { read -r bytes <"$file"; } 2>/dev/null || continue
    # What is longer means no limit, in words or in figures.
    case $bytes in *[!0-9]* | ????????????????*) ;; *) printf ' (%s GB)' "$((bytes / 1000000000)).$((bytes / 100000000 % 10))" ;; esac
    return
  done
}
