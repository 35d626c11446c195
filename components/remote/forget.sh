# Takes the credentials away. Values: WORKSPACE.
rm -f "$WORKSPACE/.env" "$WORKSPACE/.env.new"
rm -f "$HOME/.netrc.new"
# Only the line that the credentials step has written.
ours='^machine api\.wandb\.ai login user password '
if grep -qs "$ours" "$HOME/.netrc"; then
  umask 077
  if grep -v "$ours" "$HOME/.netrc" >"$HOME/.netrc.new"; then
    mv -f "$HOME/.netrc.new" "$HOME/.netrc"
  else
    rm -f "$HOME/.netrc" "$HOME/.netrc.new"
  fi
fi
