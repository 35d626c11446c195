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

# Answers when it listens.
run_sshd() {
  local line last=
  exec 4< <(exec /usr/sbin/sshd -D -e -p "$1" 2>&1 </dev/null 3>&-)
  while IFS= read -r line <&4; do
    case $line in
    "Server listening on "*)
      cat <&4 >>/var/log/sshd.log 3>&- &
      exec 4<&-
      answer ok
      return
      ;;
    esac
    last=$line
  done
  exec 4<&-
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
