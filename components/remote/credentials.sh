# Values: WORKSPACE, ENV_FILE (export lines), NETRC (one machine, or empty), PUBLIC_KEYS (a line each).
umask 077

# write FILE TEXT: in one step, so that nobody ever reads half of it.
write() {
  printf '%s' "$2" >"$1.new"
  chmod 600 "$1.new"
  mv -f "$1.new" "$1"
}

write "$WORKSPACE/.env" "$ENV_FILE"

# What the image has in its netrc stays, after our line: a macro or `default` before our line would hide it.
ours='^machine api\.wandb\.ai login user password '
if [ -n "$NETRC" ] || grep -qs "$ours" "$HOME/.netrc"; then
  others=$(grep -sv "$ours" "$HOME/.netrc" || true)
  if [ -n "$NETRC$others" ]; then
    write "$HOME/.netrc" "$NETRC$others${others:+$'\n'}"
  else
    rm -f "$HOME/.netrc"
  fi
fi

mkdir -p "$HOME/.ssh"
keys=$HOME/.ssh/authorized_keys
touch "$keys"
chmod 600 "$keys"
# Without a newline at the end of the file, the first key would be joined to its last line.
[ -z "$(tail -c 1 "$keys")" ] || echo >>"$keys"
while IFS= read -r key; do
  [ -z "$key" ] || grep -qxF -- "$key" "$keys" || printf '%s\n' "$key" >>"$keys"
done <<<"$PUBLIC_KEYS"

say "credentials: $(grep -c '^export ' "$WORKSPACE/.env" || true) in $WORKSPACE/.env"
