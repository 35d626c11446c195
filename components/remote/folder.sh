# What belongs to a folder of checkpoints: it, what its links lead to, and who writes to any of that. Values: WORKSPACE.

# see_folder FOLDER: stands in it then, and fills
#   ROOTS, NAMES        real folders, none within another, and what each is called from FOLDER: "." is itself, "./run1"
#   LINKS, TYPES, TARGETS  every link below them, what it leads to (find's %Y), and where, as a real path
#   FILES               real paths of plain files outside, each by the index of its link
#   SEEN                nothing when a tool that looks could not be started, or was killed: there may be more
# Fails when FOLDER is none. Each real folder is looked through once, so nothing goes round in circles.
see_folder() {
  local -x LC_ALL=C
  local at first i end link
  local -A called
  ROOTS=() NAMES=() LINKS=() TYPES=() TARGETS=() FILES=() SEEN=1
  cd -P -- "$1" 2>/dev/null || return 1
  ROOTS[0]=$PWD NAMES[0]=.
  for ((at = 0; at < ${#NAMES[@]}; at++)); do
    first=${#LINKS[@]} called=()
    # An end of "/" makes find look behind a link. What it cannot read is told by whoever looks for the files. Sorted, so
    # that one of several links to a folder gives it the same name each time.
    while IFS= read -r -d '' link; do
      TYPES+=("${link:0:1}") LINKS+=("${link:1}")
    done < <(set -o pipefail; find "${NAMES[at]}/" -type l -printf '%Y%p\0' 2>/dev/null | sort -z)
    # 1 = what it could not read.
    wait "$!" || [ $? -le 1 ] || SEEN=
    [ "${#LINKS[@]}" -gt "$first" ] || continue
    see_ends "$first"
    for ((i = first; i < ${#LINKS[@]}; i++)); do
      end=${TARGETS[i]}
      [ "${TYPES[i]}" != d ] || [ -n "${called[$end]-}" ] || called[$end]=${LINKS[i]}
    done
    [ "${#called[@]}" -gt 0 ] || continue
    # Sorted, so that a folder comes before what is within it.
    while IFS= read -r -d '' end; do
      is_within "$end" || ! may_follow "$end" || ROOTS+=("$end") NAMES+=("${called[$end]}")
    done < <(printf '%s\0' "${!called[@]}" | sort -z)
  done
  for i in "${!LINKS[@]}"; do
    [ "${TYPES[i]}" != f ] || is_within "${TARGETS[i]}" || ! may_follow "${TARGETS[i]}" file || FILES[i]=${TARGETS[i]}
  done
}

# see_ends FIRST: TARGETS of LINKS from there on. Types of links that cannot be resolved are "?".
see_ends() {
  local i
  mapfile -t -d '' -O "$1" TARGETS < <(printf '%s\0' "${LINKS[@]:$1}" | xargs -0 realpath -mz -- 2>/dev/null)
  [ "${#TARGETS[@]}" != "${#LINKS[@]}" ] || return 0
  for ((i = $1; i < ${#LINKS[@]}; i++)); do TYPES[i]='?' TARGETS[i]=; done
}

# is_within END: in one of ROOTS; CALLED is its name from FOLDER.
is_within() {
  local at
  for at in "${!ROOTS[@]}"; do
    case $1/ in "${ROOTS[at]}"/*) ;; *) continue ;; esac
    CALLED=${NAMES[at]}${1#"${ROOTS[at]}"}
    return
  done
  return 1
}

# may_follow END [file]: can this folder outside, or this file, be one more that is listed? WHY tells why not.
may_follow() {
  local root
  WHY=
  case $1 in / | /dev | /proc | /proc/* | /sys | /sys/*) WHY=system ;; esac
  for root in "${ROOTS[@]}"; do
    case $root in "$1"/*) : "${WHY:=holds}" ;; esac
  done
  if [ -n "${2-}" ]; then
    [ "${#FILES[@]}" -lt 1000 ] || : "${WHY:=many}"
  else
    [ "${#ROOTS[@]}" -le 100 ] || : "${WHY:=many}"
  fi
  [ -z "$WHY" ]
}

# writing: pids of who holds something that see_folder has found open for writing, or mapped to write; what we write
# ourselves does not count. Fails when it could not look at all of it.
writing() {
  local -x LC_ALL=C
  local path link line found maps theirs=() ours=() pids=()
  for path in "${ROOTS[@]}"; do
    as_pattern "$path"
    theirs+=(-o -lname "$PATTERN/*")
  done
  for path in "${FILES[@]}"; do
    as_pattern "$path"
    theirs+=(-o -lname "$PATTERN" -o -lname "$PATTERN (deleted)")
  done
  for path in .vast-training logs train.log; do
    # An empty one would be everybody's.
    path=$(readlink -m -- "$WORKSPACE/$path") || return 1
    as_pattern "$path"
    ours+=(! -lname "$PATTERN" ! -lname "$PATTERN/*")
  done
  # 1 and 2 = who has ended meanwhile. More = it could not be started, or was killed.
  found=$(find /proc/[0-9]*/fd -maxdepth 1 \( "${theirs[@]:1}" \) "${ours[@]}" -print 2>/dev/null) || [ $? -le 1 ] || return 1
  for link in $found; do
    { while read -r line; do
      # The last digit of the flags is how it was opened: 1 to write, 2 to read and write.
      case $line in flags:*[12]) link=${link#/proc/} && pids[${link%%/*}]=1 ;; esac
    done <"${link%/fd/*}/fdinfo/${link##*/}"; } 2>/dev/null || true
  done
  maps=$(set -o pipefail; written_maps) || return 1
  found=$(printf '%s\n' "$maps" | grep -lsaE -f - /proc/[0-9]*/maps) || [ $? -le 2 ] || return 1
  for link in $found; do
    link=${link#/proc/}
    pids[${link%%/*}]=1
  done
  [ "${#pids[@]}" = 0 ] || printf '%s\n' "${!pids[@]}"
}

as_pattern() {
  PATTERN=${1//\\/\\\\}
  PATTERN=${PATTERN//\*/\\*} PATTERN=${PATTERN//\?/\\?} PATTERN=${PATTERN//\[/\\[}
}

# written_maps: a regular expression a line, for lines of /proc/PID/maps that are shared and writable. There a newline in a
# path is \012.
written_maps() {
  local path escaped='s/[][\\.*^$+?(){}|]/\\&/g'
  {
    for path in "${ROOTS[@]}"; do printf '%s\n' "${path//$'\n'/\\012}"; done | sed "$escaped; s|\$|/|" &&
      for path in "${FILES[@]}"; do printf '%s\n' "${path//$'\n'/\\012}"; done | sed "$escaped"'; s/$/( \\(deleted\\))?$/'
  } | sed 's|^|^[^ ]+ .w.s [^/]*|'
}
