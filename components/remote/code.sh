# Exactly the pinned commit in WORKSPACE/NAME, and a guard from the first step on. Values: WORKSPACE, NAME, REPO, BRANCH,
# COMMIT, and those of the guard.
export GIT_TERMINAL_PROMPT=0 DEBIAN_FRONTEND=noninteractive
: >"$LOGS/code.log"

bring_tools() {
  local tool missing=()
  for tool in git tmux rsync; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || fail "the image lacks ${missing[*]}, and has no apt-get to install them with"
  logged code timeout 300 apt-get update -q
  logged code timeout 300 apt-get install -q -y --no-install-recommends ca-certificates "${missing[@]}"
}

in_code() { git -C "$CODE" "$@"; }

has_commit() { in_code cat-file -e "$COMMIT^{commit}" 2>/dev/null; }

# Some servers send no commit by its id: then the branch, and when it has moved on, its history.
fetch_commit() {
  in_code remote set-url origin "$REPO" 2>/dev/null || in_code remote add origin "$REPO"
  try_logged code timeout 900 git -C "$CODE" fetch --depth 1 origin "$COMMIT" && return
  logged code timeout 900 git -C "$CODE" fetch --depth 1 origin "refs/heads/$BRANCH"
  has_commit || logged code timeout 1800 git -C "$CODE" fetch --unshallow origin "refs/heads/$BRANCH"
  has_commit || fail "$REPO no longer has commit $COMMIT in branch $BRANCH; change run to take what the branch has now"
}

# As long as the steps may take until training is started again.
hold 3600
bring_tools
set_guard
CODE=$WORKSPACE/$NAME
lock
# Also one that does not run yet, because onstart may be about to start it.
if [ -s "$KEEP/train.commit" ] && [ "$(cat "$KEEP/train.commit")" != "$COMMIT" ]; then
  stop_training "$GRACE"
fi
unlock
mkdir -p "$CODE"
git init --quiet "$CODE"
rm -f "$CODE/.git/index.lock" "$CODE/.git/shallow.lock"
has_commit || fetch_commit
# A training reads these files: they are touched only when they are not what they should be.
if ! training_pid >/dev/null || [ "$(in_code rev-parse --verify --quiet HEAD)" != "$COMMIT" ]; then
  logged code timeout 600 git -C "$CODE" -c advice.detachedHead=false checkout --force --detach "$COMMIT"
fi
! training_pid >/dev/null || rm -f "$KEEP/hold"
say "code: $NAME at ${COMMIT:0:12}"
