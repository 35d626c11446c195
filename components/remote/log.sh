# Bounds the size of the training log: its first and last parts stay, and the middle is cut out in place. The file keeps
# its name and inode, so whoever follows it can go on. Values: LOG.

# bound_log PID: cuts the log as long as this process runs. Starts only one stat a second; nobody waits for it.
bound_log() {
  trap '' TERM INT HUP
  exec 5<> <(:)
  while see_birth "$1"; do
    cut_log
    read -rt 1 -u 5 _ || true
  done
  cut_log
}

# cut_log: cuts when the log is more than a third larger than it should be.
cut_log() {
  local first=${LOG_FIRST:-8388608} last=${LOG_LAST:-33554432} size blocks unit end
  read -r size blocks unit < <(stat -c '%s %b %B' -- "$LOG" 2>/dev/null) || return 0
  [ $((blocks * unit)) -gt $(((first + last) / 3 * 4)) ] && [ "$size" -gt $(((first + last) / 3 * 4)) ] || return 0
  first=$((first / 4096 * 4096)) end=$(((size - last) / 4096 * 4096))
  # Before there is a hole: a tail must never see one without the mark behind it.
  cut_mark | put_at "$((end - 4096))"
  # A hole keeps the size, so offsets of readers stay right.
  ! fallocate --punch-hole --offset "$first" --length "$((end - 4096 - first))" "$LOG" 2>/dev/null || return 0
  cut_mark | put_at "$first"
  move_down "$end" "$((first + 4096))"
}

# put_at OFFSET: writes standard input over what is at OFFSET.
put_at() { dd of="$LOG" bs=64k conv=notrunc oflag=seek_bytes seek="$1" 2>/dev/null; }

# cut_mark: 4096 bytes, mostly newlines, so that a tail which counts lines never reads back past it.
cut_mark() {
  local text=$'\n[vast-training] The log is cut here: its first and its last part are kept.' ends
  printf -v ends '%*s' $((4096 - ${#text})) ''
  printf '%s%s' "$text" "${ends// /$'\n'}"
}

# move_down FROM TO: moves the rest of the log where the file system cannot make holes. Lines written in the last moment
# are lost.
move_down() {
  local from=$1 to=$2 size
  while size=$(stat -c %s -- "$LOG") && [ "$size" -gt "$from" ]; do
    tail -c +"$((from + 1))" -- "$LOG" | head -c "$((size - from))" | put_at "$to"
    to=$((to + size - from)) from=$size
  done
  truncate -s "$to" -- "$LOG"
}
