# Puts exactly the pinned commit in WORKSPACE/NAME and the other repositories beside it; sets the guard first.
# Values: WORKSPACE, NAME, REPO, REF, COMMIT, EXTRAS (lines "commit path URL"), CODE_ID (identifies all commits and
# their folders), EXCLUDE (patterns of .gitignore), CLEAN (not empty = delete files that are neither sent nor ignored),
# and the values of repositories.sh and of the guard.
: >"$LOGS/code.log"

# A clean clone is moved to the commit. Anything else may be somebody's work and is never deleted.
place_extra() {
  N=$1 DIR=$2 URL=$3 SHA=$4
  if has_no_git "$DIR"; then
    local clone
    clone=$(beside "$DIR")
    git --git-dir="$clone/.git" --work-tree="$DIR" read-tree "$SHA"
    [ -z "$(git -c core.fileMode=false --git-dir="$clone/.git" --work-tree="$DIR" diff --name-only | head -n 1)" ] ||
      fail "$DIR is there already and is not commit ${SHA:0:12} of $URL: move it away, or write another path in extraRepos"
    rm -rf "$clone"
  elif ! is_at_commit; then
    [ -z "$(in_repo status --porcelain --untracked-files=no)" ] ||
      fail "$DIR has changes of its own, so it is not taken to commit ${SHA:0:12} of $URL: commit or move them away, or write another path in extraRepos"
    check_out
  fi
}

# Deletes what was not sent and what no pattern protects, as a mirror does; checkpoints always stay.
clean_code() {
  [ -n "$CLEAN" ] || return 0
  mkdir -p "$CODE/.git/info"
  {
    printf '%s\n' "$EXCLUDE"
    case $CHECKPOINTS in "$CODE"/*) printf '/%s\n' "${CHECKPOINTS#"$CODE"/}" ;; esac
  } >"$CODE/.git/info/exclude"
  logged code timeout 600 git -C "$CODE" clean -fdq
}

# The longest time that the steps may take until training is started again.
hold 3600
bring_tools git tmux rsync
set_guard 8<&-
CODE=$WORKSPACE/$NAME
bring_commit 0 "$CODE" "$REPO" "$COMMIT" "$REF"
each_extra bring_extra
lock
# Also when training does not run yet: onstart may be about to start it.
if [ -s "$KEEP/train.commit" ] && [ "$(cat "$KEEP/train.commit")" != "$CODE_ID" ]; then
  stop_training "$GRACE"
fi
unlock
DIR=$CODE SHA=$COMMIT
# A running training reads these files, so they are changed only when the commit is another one.
if ! training_goes_on || ! is_at_commit; then
  check_out --force
  clean_code
fi
each_extra place_extra
! training_goes_on || rm -f "$KEEP/hold"
say "code: $NAME at ${COMMIT:0:12}"
