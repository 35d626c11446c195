# Shows the training log from a place on, in frames: a line "@INODE OFFSET LENGTH", then LENGTH bytes, which end at OFFSET
# of the file with that inode. A file that training has put aside is read to its end before the next one begins. What was
# cut out of the middle reads as NULs, and none are sent. Ends with 66 where there is no log yet and nobody waits for it.
# INODE, OFFSET: where to go on; without INODE LINES from the end ("all" = all). FOLLOW=yes: never ends.
export LC_ALL=C
LOG=$WORKSPACE/train.log
LONGEST=1048576

frame() { printf '@%s %s %s\n' "${INODE:--}" "$OFFSET" "$1"; }

# open_log FILE: as descriptor 3, which stays with the file when its name changes.
open_log() { { exec 3<"$1"; } 2>/dev/null && INODE=$(stat -L -c %i /dev/fd/3); }

size() { stat -L -c %s /dev/fd/3; }

show_rest() {
  local end length bytes
  end=$(size)
  # It was begun anew, or cut where the file system makes no holes: then it goes on at its end.
  if [ "$end" -lt "$OFFSET" ]; then
    OFFSET=0
    ! grep -qaF '[vast-training] The log is cut here' /dev/fd/3 || OFFSET=$end
  fi
  while [ "$OFFSET" -lt "$end" ]; do
    length=$((end - OFFSET))
    [ "$length" -le "$LONGEST" ] || length=$LONGEST
    # A shell takes the newlines off the end of what it substitutes.
    bytes=$(tail -c "+$((OFFSET + 1))" /dev/fd/3 2>/dev/null | head -c "$length" | tr -d '\000' && printf x)
    bytes=${bytes%x}
    OFFSET=$((OFFSET + length))
    frame "${#bytes}" && printf %s "$bytes" || exit
  done
}

# last_lines_from: sets OFFSET; the file grows meanwhile.
last_lines_from() {
  local tries=5 end=0 length=0
  OFFSET=0
  [ "$LINES" != all ] || return 0
  until [ $((tries--)) = 0 ]; do
    end=$(size) length=$(tail -n "$LINES" /dev/fd/3 | wc -c)
    [ "$end" != "$(size)" ] || break
  done
  [ "$length" -ge "$end" ] || OFFSET=$((end - length))
}

all_logs() { ls -1 "$WORKSPACE"/logs/train-*.log "$LOG" 2>/dev/null; }

inode_of() { stat -c %i "$1" 2>/dev/null; }

# find_log: opens the one with this inode.
find_log() {
  local name
  for name in $(all_logs); do
    [ "$(inode_of "$name")" = "$INODE" ] && open_log "$name" && return
  done
  return 1
}

# next_log: opens the one that was begun after this one.
next_log() {
  local name seen=
  for name in $(all_logs) "$LOG"; do
    [ -z "$seen" ] || break
    [ "$(inode_of "$name")" != "$INODE" ] || seen=yes
  done
  [ -n "$seen" ] || name=$LOG
  open_log "$name"
}

is_put_aside() {
  local now
  now=$(inode_of "$LOG") && [ "$now" != "$INODE" ]
}

wait_a_second() {
  sleep 1
  # Whoever has gone is noticed when something is sent.
  [ $((++waited % 5)) != 0 ] || frame 0 || exit
}

waited=0
printf '\n@begin\n'
if [ -n "$INODE" ] && ! find_log; then
  printf '@lost\n'
  INODE= LINES=all
fi
if [ -z "$INODE" ]; then
  OFFSET=0
  until open_log "$LOG"; do
    [ "$FOLLOW" = yes ] || exit 66
    [ "$waited" != 0 ] || frame 0
    LINES=all
    wait_a_second
  done
  last_lines_from
fi
while :; do
  show_rest
  if is_put_aside; then
    show_rest
    ! next_log || OFFSET=0
    continue
  fi
  [ "$FOLLOW" = yes ] || exit 0
  wait_a_second
done
