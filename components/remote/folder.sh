# Finds the contents of a folder of checkpoints, the targets of its links, and who writes to any of them. Values:
# WORKSPACE.

# see_folder FOLDER: changes into FOLDER, and fills
#   ROOTS, NAMES        real folders, none within another, and the name of each as seen from FOLDER: ".", "./run1"
#   LINKS, TYPES, TARGETS  every link below them, its target's type (find's %Y), and its target as a real path
#   FILES               real paths of plain files outside the folders, each at the index of its link
#   SEEN                empty when a tool could not be started or was killed: there may be more
# Fails when FOLDER is not a folder. Each real folder is searched once, so a circle of links ends.
see_folder() {
  local -x LC_ALL=C
  local at first i end link
  local -A called
  ROOTS=() NAMES=() LINKS=() TYPES=() TARGETS=() FILES=() SEEN=1
  cd -P -- "$1" 2>/dev/null || return 1
  ROOTS[0]=$PWD NAMES[0]=.
  for ((at = 0; at < ${#NAMES[@]}; at++)); do
    first=${#LINKS[@]} called=()
    # A trailing "/" makes find follow a link. Errors about unreadable folders are left to the listing of files. Sorted,
    # so that a folder with several links gets the same name each time.
    while IFS= read -r -d '' link; do
      TYPES+=("${link:0:1}") LINKS+=("${link:1}")
    done < <(set -o pipefail; find "${NAMES[at]}/" -type l -printf '%Y%p\0' 2>/dev/null | sort -z)
    # 1 = find could not read something.
    wait "$!" || [ $? -le 1 ] || SEEN=
    [ "${#LINKS[@]}" -gt "$first" ] || continue
    see_ends "$first"
    for ((i = first; i < ${#LINKS[@]}; i++)); do
      end=${TARGETS[i]}
      [ "${TYPES[i]}" != d ] || [ -n "${called[$end]-}" ] || called[$end]=${LINKS[i]}
    done
    [ "${#called[@]}" -gt 0 ] || continue
    # Sorted, so that a folder comes before its contents.
    while IFS= read -r -d '' end; do
      is_within "$end" || ! may_follow "$end" || ROOTS+=("$end") NAMES+=("${called[$end]}")
    done < <(printf '%s\0' "${!called[@]}" | sort -z)
  done
  for i in "${!LINKS[@]}"; do
    [ "${TYPES[i]}" != f ] || is_within "${TARGETS[i]}" || ! may_follow "${TARGETS[i]}" file || FILES[i]=${TARGETS[i]}
  done
}

# see_ends FIRST: sets TARGETS of LINKS from index FIRST on, and the type "?" for links that cannot be resolved.
see_ends() {
  local i
  mapfile -t -d '' -O "$1" TARGETS < <(printf '%s\0' "${LINKS[@]:$1}" | xargs -0 realpath -mz -- 2>/dev/null)
  [ "${#TARGETS[@]}" != "${#LINKS[@]}" ] || return 0
  for ((i = $1; i < ${#LINKS[@]}; i++)); do TYPES[i]='?' TARGETS[i]=; done
}

# is_within END: true when END is in one of ROOTS; sets CALLED to its name from FOLDER.
is_within() {
  local at
  for at in "${!ROOTS[@]}"; do
    case $1/ in "${ROOTS[at]}"/*) ;; *) continue ;; esac
    CALLED=${NAMES[at]}${1#"${ROOTS[at]}"}
    return
  done
  return 1
}

# may_follow END [file]: may this outside folder (or file) be listed too? If not, WHY says why.
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

# writing: prints pids of processes that have something found by see_folder open for writing or mapped writable. Our own
# logs and notes do not count. Fails when not everything could be checked.
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
    # An empty path would exclude every file.
    path=$(readlink -m -- "$WORKSPACE/$path") || return 1
    as_pattern "$path"
    ours+=(! -lname "$PATTERN" ! -lname "$PATTERN/*")
  done
  # 1 from find and 2 from grep mean that a process has ended meanwhile; more, that the tool could not start or was
  # killed.
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

# written_maps: prints regular expressions, one a line, for shared writable lines of /proc/PID/maps. There a newline in
# a path is written \012.
written_maps() {
  local path escaped='s/[][\\.*^$+?(){}|]/\\&/g'
  {
    for path in "${ROOTS[@]}"; do printf '%s\n' "${path//$'\n'/\\012}"; done | sed "$escaped; s|\$|/|" &&
      for path in "${FILES[@]}"; do printf '%s\n' "${path//$'\n'/\\012}"; done | sed "$escaped"'; s/$/( \\(deleted\\))?$/'
  } | sed 's|^|^[^ ]+ .w.s [^/]*|'
}
