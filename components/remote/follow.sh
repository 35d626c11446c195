# Shows the training log in frames: a line "@INODE OFFSET LENGTH", then LENGTH bytes. OFFSET is where they end in the
# file with that inode. A log that training has put aside is shown to its end before the next one begins. The part cut
# out of the middle reads as NULs, which are never sent. Exits with 66 when there is no log yet and FOLLOW is not yes.
# INODE, OFFSET: the place to go on from. Without INODE: the last LINES lines ("all" = the whole log). FOLLOW=yes: never
# ends.
export LC_ALL=C
LOG=$WORKSPACE/train.log
LONGEST=1048576

frame() { printf '@%s %s %s\n' "${INODE:--}" "$OFFSET" "$1"; }

# open_log FILE: opens it as descriptor 3, which stays on the same file when its name changes.
open_log() { { exec 3<"$1"; } 2>/dev/null && INODE=$(stat -L -c %i /dev/fd/3); }

size() { stat -L -c %s /dev/fd/3; }

# part FROM TO: the bytes of the log between two offsets.
part() { tail -c "+$(($1 + 1))" /dev/fd/3 2>/dev/null | head -c "$(($2 - $1))"; }

# show_to END: shows the log from OFFSET to the offset END.
show_to() {
  local next bytes
  while [ "$OFFSET" -lt "$1" ]; do
    next=$(($1 - OFFSET > LONGEST ? OFFSET + LONGEST : $1))
    # $(...) drops newlines at the end; the x protects them.
    bytes=$(part "$OFFSET" "$next" | tr -d '\000' && printf x)
    bytes=${bytes%x}
    OFFSET=$next
    frame "${#bytes}" && printf %s "$bytes" || exit
  done
}

show_rest() {
  local end
  end=$(size)
  # The log was begun anew, or was cut where the file system cannot make holes; after a cut, go on at its end.
  if [ "$end" -lt "$OFFSET" ]; then
    OFFSET=0
    ! grep -qaF '[vast-training] The log is cut here' /dev/fd/3 || OFFSET=$end
  fi
  show_to "$end"
}

# show_last_lines: shows the last LINES lines of the log as it is now. What is written meanwhile is not counted, and not
# shown. Reads from the end, in parts that become longer: a log can be long.
show_last_lines() {
  local end start=0 length window=65536
  end=$(size) OFFSET=0
  while [ "$LINES" != all ] && [ "$OFFSET" = "$start" ]; do
    start=$((end > window ? end - window : 0))
    length=$(part "$start" "$end" | tail -n "$LINES" | wc -c)
    OFFSET=$((end - length)) window=$((window * 16))
    [ "$start" != 0 ] || break
  done
  show_to "$end"
}

all_logs() { ls -1 "$WORKSPACE"/logs/train-*.log "$LOG" 2>/dev/null; }

inode_of() { stat -c %i "$1" 2>/dev/null; }

# find_log: opens the log with inode INODE.
find_log() {
  local name
  for name in $(all_logs); do
    [ "$(inode_of "$name")" = "$INODE" ] && open_log "$name" && return
  done
  return 1
}

# next_log: opens the log that was begun after this one.
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
  # Only sending something shows that the reader has gone.
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
  show_last_lines
  [ "$FOLLOW" = yes ] || exit 0
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
