# Exactly the pinned commit in WORKSPACE/NAME, the other repositories beside it, and a guard from the first step on.
# Values: WORKSPACE, NAME, REPO, REF, COMMIT, EXTRAS (lines "commit path URL"), CODE_ID (stands for all of these), EXCLUDE
# (patterns of .gitignore), CLEAN (not empty = what nobody sent or ignores goes), those of repositories.sh and of the guard.
: >"$LOGS/code.log"

# A clone that is clean goes to the commit; anything else is somebody's, and not ours to delete.
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

# What nobody sent and no pattern protects goes, as a mirror wants it; checkpoints stay wherever they are.
clean_code() {
  [ -n "$CLEAN" ] || return 0
  mkdir -p "$CODE/.git/info"
  {
    printf '%s\n' "$EXCLUDE"
    case $CHECKPOINTS in "$CODE"/*) printf '/%s\n' "${CHECKPOINTS#"$CODE"/}" ;; esac
  } >"$CODE/.git/info/exclude"
  logged code timeout 600 git -C "$CODE" clean -fdq
}

# As long as the steps may take until training is started again.
hold 3600
bring_tools git tmux rsync
set_guard 8<&-
CODE=$WORKSPACE/$NAME
bring_commit 0 "$CODE" "$REPO" "$COMMIT" "$REF"
each_extra bring_extra
lock
# Also one that does not run yet, because onstart may be about to start it.
if [ -s "$KEEP/train.commit" ] && [ "$(cat "$KEEP/train.commit")" != "$CODE_ID" ]; then
  stop_training "$GRACE"
fi
unlock
DIR=$CODE SHA=$COMMIT
# A training reads these files: they are touched only when they are not what they should be.
if ! training_goes_on || ! is_at_commit; then
  check_out --force
  clean_code
fi
each_extra place_extra
! training_goes_on || rm -f "$KEEP/hold"
say "code: $NAME at ${COMMIT:0:12}"
