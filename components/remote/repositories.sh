# How commits of repositories come to this machine. Values: WAY (none = this machine fetches them; token = the same with
# a token that it asks for; agent = the same in a separate session with an ssh agent; upload = the client sends them),
# EXTRAS (lines "commit path URL" of repositories beside the code). The client answers "@@needs ..." lines on descriptor
# 8.
export GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1 DEBIAN_FRONTEND=noninteractive

# bring_tools TOOL...: installs what is missing.
bring_tools() {
  local tool missing=()
  for tool; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || fail "the image lacks ${missing[*]}, and has no apt-get to install them with"
  logged code timeout 300 apt-get update -q
  logged code timeout 300 apt-get install -q -y --no-install-recommends ca-certificates "${missing[@]/#ssh/openssh-client}"
}

# The functions below use DIR (the repository's folder), N (its number), URL, SHA (its commit) and REF.

# The files of the image may not belong to root.
in_repo() { git -c safe.directory='*' -C "$DIR" "$@"; }

has_commit() { in_repo cat-file -e "$SHA^{commit}" 2>/dev/null; }

# try_fetch WORD...: with a token, git gets it from a helper that answers once and only for one server, and that ends
# with git.
try_fetch() {
  local login=()
  if [ "$WAY" = token ] && [ "$(origin_of "$URL")" = "$TOKEN_FOR" ]; then
    if [ -z "${TOKEN-}" ]; then
      say "@@needs token"
      IFS= read -r -u 8 TOKEN
    fi
    login=(-c credential.helper= -c "credential.$TOKEN_FOR.helper=!f() { [ \"\$1\" != get ] || cat <&7; }; f")
  fi
  try_logged code timeout 1800 git -c safe.directory='*' "${login[@]}" -C "$DIR" fetch --no-tags "$@" \
    7< <(printf 'username=x-access-token\npassword=%s\n' "${TOKEN-}")
}

origin_of() { sed -E 's|^([a-z]+://[^/]+).*|\1|' <<<"$1"; }

# Some servers do not send a commit by its id: then fetch the branch, and if it has moved on, its history.
fetch_commit() {
  in_repo remote set-url origin "$URL" 2>/dev/null || in_repo remote add origin "$URL"
  try_fetch --depth 1 origin "$SHA" && return
  try_fetch --depth 1 origin "$REF" || cannot_fetch
  has_commit || try_fetch --unshallow origin "$REF" || cannot_fetch
  has_commit || fail "$URL no longer has commit $SHA in ${REF#refs/heads/}; change run to take what the branch has now"
}

cannot_fetch() {
  say "The end of $LOGS/code.log:" >&2
  last_lines "$LOGS/code.log" >&2
  fail "this machine cannot fetch $URL"
}

# A commit is sent without history, and without what this machine's HEAD already has.
receive_commit() {
  local head
  head=$(in_repo rev-parse --verify --quiet 'HEAD^{commit}') || head=-
  grep -qsx "$SHA" "$DIR/.git/shallow" || printf '%s\n' "$SHA" >>"$DIR/.git/shallow"
  say "@@needs pack $N $head"
  if ! in_repo index-pack --stdin --fix-thin <&8 >>"$LOGS/code.log" 2>&1 || ! has_commit; then
    last_lines "$LOGS/code.log" >&2
    fail "commit $SHA did not arrive whole"
  fi
}

# bring_commit N DIR URL SHA REF: makes the repository and fetches the commit if it is missing. Changes no files of the
# work tree.
bring_commit() {
  N=$1 DIR=$2 URL=$3 SHA=$4 REF=$5
  mkdir -p "$DIR"
  [ -e "$DIR/.git" ] || git init --quiet "$DIR"
  rm -f "$DIR/.git/index.lock" "$DIR/.git/shallow.lock"
  has_commit && return
  case $WAY in
    upload) receive_commit ;;
    agent) agent_fetch ;;
    *) fetch_commit ;;
  esac
}

# Only the session with FETCHING has the agent. SSH_CONFIG and KNOWN_HOSTS come from the user's machine.
agent_fetch() {
  if [ -z "${FETCHING-}" ]; then
    say "@@needs agent"
    exit 0
  fi
  local folder code=0
  folder=$(mktemp -d)
  printf '%s\n' "$KNOWN_HOSTS" >"$folder/known_hosts"
  printf '%s\nHost *\n  UserKnownHostsFile %s\n' "$SSH_CONFIG" "$folder/known_hosts" >"$folder/config"
  (GIT_SSH_COMMAND="ssh -F $folder/config" fetch_commit) || code=$?
  rm -rf "$folder"
  return "$code"
}

check_out() { logged code timeout 600 git -c safe.directory='*' -c advice.detachedHead=false -C "$DIR" checkout --detach "$@" "$SHA"; }

is_at_commit() { [ "$(in_repo rev-parse --verify --quiet HEAD)" = "$SHA" ]; }

# each_extra COMMAND: calls it with number, folder, URL and commit of each other repository.
each_extra() {
  local sha path url number=0
  while read -r sha path url <&6; do
    [ -n "$sha" ] || continue
    number=$((number + 1))
    "$1" "$number" "$path" "$url" "$sha"
  done 6<<<"$EXTRAS"
}

# A folder without .git may still hold exactly the files of the commit, so it is compared with a clone made beside it.
has_no_git() { [ ! -e "$1/.git" ] && [ -n "$(ls -A "$1" 2>/dev/null)" ]; }
beside() { printf '%s/extra-%s' "$KEEP" "$(basename "$1")"; }

bring_extra() {
  local folder=$2
  has_no_git "$2" && folder=$(beside "$2")
  bring_commit "$1" "$folder" "$3" "$4" HEAD
}
