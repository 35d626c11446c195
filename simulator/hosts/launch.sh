#!/bin/bash
# PID 1 of a machine. It ends when its standard input closes, and every process inside ends with it. It reads commands,
# one a line, and answers each on descriptor 3: "ok" or a line that says what went wrong.

answer() { printf '%s\n' "$*" >&3; }

# Like Vast's launcher: the whole file, from its own list.
write_keys() {
  local count=$1 key file=/root/.ssh/authorized_keys
  rm -f "$file.new"
  (umask 077 && mkdir -p /root/.ssh && : >"$file.new")
  while [ "$count" -gt 0 ] && IFS= read -r key; do
    printf '%s\n' "$key" >>"$file.new"
    count=$((count - 1))
  done
  mv -f "$file.new" "$file" && answer ok || answer "authorized_keys could not be written"
}

run_onstart() {
  if [ -s /root/onstart.sh ]; then /bin/bash /root/onstart.sh </dev/null 3>&- & fi
  answer ok
}

# Answers when it listens. It writes its log without anybody in between: who is let in is in there before his session
# begins.
run_sshd() {
  local log=/var/log/sshd.log
  : >>"$log"
  exec 4<"$log"
  while read -r <&4; do :; done # of its earlier lives
  /usr/sbin/sshd -D -e -p "$1" </dev/null >/dev/null 2>>"$log" 3>&- 4<&- &
  await_listening $!
  exec 4<&-
}

# await_listening PID: descriptor 4 is its log.
await_listening() {
  local line part= last= gone=
  while :; do
    if IFS= read -r line <&4; then
      last=$part$line part=
      case $last in "Server listening on "*) answer ok && return ;; esac
      continue
    fi
    part+=$line
    [ -z "$gone" ] || break
    kill -0 "$1" 2>/dev/null || gone=yes # what it said last is still to be read
    sleep 0.02
  done
  answer "sshd did not start: $last"
}

answer ok
while read -r command argument; do
  case $command in
  keys) write_keys "$argument" ;;
  onstart) run_onstart ;;
  sshd) run_sshd "$argument" ;;
  lose) rm -f "/etc/$argument" && answer ok || answer "/etc/$argument could not be removed" ;;
  esac
done
