# Takes the credentials away. Values: WORKSPACE.
rm -f "$WORKSPACE/.env" "$WORKSPACE/.env.new"
# Only what the credentials step has written.
grep -qs '^machine api.wandb.ai login user password ' "$HOME/.netrc" && rm -f "$HOME/.netrc" "$HOME/.netrc.new"
