# Lists the files to bring home beside checkpoints, as records of manifest.sh. Values: WORKSPACE, NAME (the repository's
# folder in WORKSPACE), GLOBS (bash globs, one a line, relative to that folder or below WORKSPACE; a folder means
# everything in it), CHECKPOINTS (left out here: checkpoints are fetched separately), MOST (bytes of all files but
# logs), HASHES.
# Names are real paths from WORKSPACE. Links that a glob matches are followed; links inside matched folders are not.
# The t of an x record: outside WORKSPACE (t = where it leads), secret (t is empty), large (t = bytes), link (t = where
# it leads), nothing (t = the glob).
shopt -s nullglob globstar

# A file changed less than this long ago may still grow. Only the bytes it had when it was listed are hashed.
YOUNG_SECONDS=60

# refuse WHY NAME TEXT
refuse() { printf 'x %s ./%s\0t %s\0' "$1" "$2" "$3"; }

# holds_credentials NAME: true for names that usually hold credentials, and for other names of our .env and netrc.
holds_credentials() {
  case /$1/ in
    */.env/* | */.env.*/* | */.netrc/* | */.netrc.*/* | */.git-credentials/* | */id_rsa/* | */id_ed25519/*) return 0 ;;
    */.ssh/* | */.gnupg/* | */.aws/* | */.git/* | */.vast-training/* | /hf_cache/token/* | /hf_cache/stored_tokens/*) return 0 ;;
  esac
  [ "$1" -ef .env ] || [ "$1" -ef "$HOME/.netrc" ]
}

# bring_glob GLOB [log]: lists every match that is not listed yet.
bring_glob() {
  local found ends=() roots=() files=() record at name end last=/ IFS=
  # No quotes, so that the glob expands; empty IFS, so that it is not split into words.
  case $1 in "$WORKSPACE"/*) found=("$HERE"/${1#"$WORKSPACE"/}) ;; *) found=("$HERE/$NAME"/$1) ;; esac
  # A word without wildcards expands to itself even when no such file exists.
  [ "${#found[@]}" != 1 ] || [ -e "${found[0]}" ] || [ -h "${found[0]}" ] || found=()
  if [ "${#found[@]}" = 0 ]; then
    [ -n "${2-}" ] || printf 'x nothing .\0t %s\0' "$1"
    return 0
  fi
  mapfile -t -d '' ends < <(printf '%s\0' "${found[@]}" | xargs -0 realpath -mz --)
  [ "${#ends[@]}" = "${#found[@]}" ] || { printf 'where %s leads cannot be looked at\n' "$1" >&2 && return 1; }
  for at in "${!found[@]}"; do
    name=${found[at]#"$HERE"/} end=${ends[at]}
    name=${name%/}
    case $end in
      "$HERE/$name") ;;
      "$HERE"/*) LINKS+=("$HERE/$name") ;;
      *) refuse outside "$name" "$end" && ends[at]= ;;
    esac
  done
  # With a slash after each name, sorting puts a folder right before its contents.
  while IFS= read -r -d '' end; do
    end=${end%/}
    case $end in "$last"/*) continue ;; esac
    if [ -d "$end" ]; then
      last=$end
      roots+=("$end")
    elif [ -f "$end" ]; then
      files+=("$end")
    fi
  done < <(for end in "${ends[@]}"; do [ -z "$end" ] || printf '%s/\0' "$end"; done | sort -zu)
  ROOTS+=("${roots[@]}")
  while IFS= read -r -d '' record; do take_record "$record" "${2-}"; done < <(
    exec 3>&1
    for end in "${roots[@]}"; do
      seek "$end/" -type d \( -name .git -o -name .ssh -o -name .vast-training \) -printf 'p %p\0' -prune \
        -o -type f -printf 's %s %b %i %T@ %C@ %p\0' -o -type l -printf 'l %p\0' || exit 1
    done
    [ "${#files[@]}" = 0 ] ||
      printf '%s\0' "${files[@]}" | xargs -0 stat --printf 's %s %b %i %.9Y %.9Z %n\0' -- 2>/dev/null || true
  )
  wait "$!"
}

# take_record RECORD [log]
take_record() {
  local size blocks mtime name fields IFS=' '
  case $1 in
    'p '*) name=${1#p } name=${name%/} && refuse secret "${name#"$HERE"/}" "" && return ;;
    'l '*) LINKS+=("${1#l }") && return ;;
  esac
  name=${1#s * * * * * }
  name=${name#"$HERE"/}
  [ -z "${TAKEN[./$name]-}" ] || return 0
  case $HERE/$name in "$CHECKPOINTS"/*) return 0 ;; esac
  if holds_credentials "$name"; then
    refuse secret "$name" ""
    return
  fi
  fields=(${1%%/*})
  size=${fields[1]} blocks=${fields[2]} mtime=${fields[4]%%.*}
  blocks=$((blocks * 512 < size ? blocks * 512 : size))
  if [ -z "$2" ] && [ "$((total + blocks))" -gt "$MOST" ]; then
    refuse large "$name" "$blocks"
    return
  fi
  [ -n "$2" ] || total=$((total + blocks))
  TAKEN[./$name]=$size
  if [ "$mtime" -gt "$((now - YOUNG_SECONDS))" ]; then YOUNG+=("./$name"); else OLD+=("./$name"); fi
  printf '%s./%s\0' "${1%%/*}" "$name"
}

# list_links: a link stays a link at home when its target is brought home too.
list_links() {
  local at ends=()
  [ "${#LINKS[@]}" != 0 ] || return 0
  mapfile -t -d '' ends < <(printf '%s\0' "${LINKS[@]}" | xargs -0 realpath -mz --)
  [ "${#ends[@]}" = "${#LINKS[@]}" ] || { printf 'where links lead cannot be looked at\n' >&2 && return 1; }
  for at in "${!LINKS[@]}"; do list_link "${LINKS[at]#"$HERE"/}" "${ends[at]}"; done
}

# list_link NAME END
list_link() {
  local root end=${2#"$HERE"/}
  case $2/ in "$CHECKPOINTS"/*) return 0 ;; esac
  if holds_credentials "$end"; then
    refuse secret "$1" ""
    return
  fi
  for root in "${ROOTS[@]}" "${TAKEN[./$end]+"$2"}"; do
    case $2/ in "${root:-/-}"/*) printf 'l ./%s\0e ./%s\0' "$1" "$end" && return ;; esac
  done
  [ ! -e "$2" ] || refuse link "$1" "$2"
}

list_hashes() {
  local name sum
  [ "${#OLD[@]}" = 0 ] || print_sums printf '%s\0' "${OLD[@]}"
  for name in "${YOUNG[@]}"; do
    sum=$(head -c "${TAKEN[$name]}" -- "$name" 2>/dev/null | sha256sum) && printf '%s *%s\0' "${sum%% *}" "$name"
  done
  return 0
}

check_tools
cd -P -- "$WORKSPACE"
HERE=$PWD CHECKPOINTS=$(realpath -m -- "$CHECKPOINTS") ROOTS=() LINKS=() OLD=() YOUNG=() total=0 now=$(date +%s)
declare -A TAKEN=()
printf '\nmanifest\0n %s\0' "$now"
bring_glob "$WORKSPACE/train.log" log
bring_glob "$WORKSPACE/logs/train-*.log" log
while IFS= read -r glob; do [ -z "$glob" ] || bring_glob "$glob"; done <<<"$GLOBS"
list_links
[ "$HASHES" = 0 ] || list_hashes
printf 'end\0'
