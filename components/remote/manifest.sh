# Sizes and sha256 of every file of FOLDER and of what its links lead to (folder.sh), its other links, and who writes to
# any of that; special files are none. Values: FOLDER, WORKSPACE, and HASHES: 0 leaves the sums out, which takes no time.
# Records end with NUL, because a name may hold anything else; the first one ends what a shell says when it starts, and
# the last one proves that nothing was cut off. Names are as from FOLDER, "./run1/step_1"; "." is FOLDER itself.
#   n SECONDS                                 what time it is here
#   w PID COMMAND                             writes just now
#   s SIZE BLOCKS INODE MTIME CTIME NAME      a file; blocks are 512 bytes each
#   SHA256 *NAME                              of one that is still there
#   l NAME, then e NAME                       a link, and where it ends within all of that
#   x WHY NAME, then t PATH                   a link that cannot be followed, and where it leads
list_writers() {
  local pid pids comm
  pids=$(writing) && [ -n "$SEEN" ] || {
    printf 'who writes, and where links lead, cannot be looked at: a tool could not be started, or was killed\n' >&2
    return 1
  }
  for pid in $pids; do
    comm=
    { IFS= read -r comm <"/proc/$pid/comm"; } 2>/dev/null || true
    # It has ended by now.
    [ -z "$comm" ] || printf 'w %s %s\0' "$pid" "$comm"
  done
}

list_files() {
  local name
  for name in "${NAMES[@]}"; do
    seek "$name/" -type f -printf 's %s %b %i %T@ %C@ %p\0'
  done
  linked_files | xargs -0 -r stat -L --printf 's %s %b %i %.9Y %.9Z %n\0' -- 2>/dev/null || true
}

linked_files() {
  local i
  for i in "${!FILES[@]}"; do printf '%s\0' "${LINKS[i]}"; done
}

# A file that is gone by now has a size and no hash.
list_hashes() {
  local name
  {
    for name in "${NAMES[@]}"; do find "$name/" -type f -print0; done
    linked_files
  } 2>/dev/null | xargs -0 -r sha256sum -z -b -- 2>/dev/null || true
}

list_links() {
  local i
  for i in "${!LINKS[@]}"; do list_link "$i"; done
}

# list_link INDEX. A file that is listed stands for its link, and so does a folder that is called like it.
list_link() {
  local name=${LINKS[$1]} end=${TARGETS[$1]}
  case ${TYPES[$1]} in
    L | '?') refuse unresolved "$name" "$end" ;;
    *)
      if is_within "$end"; then
        [ "$CALLED" = "$name" ] || printf 'l %s\0e %s\0' "$name" "$CALLED"
      elif [ "${TYPES[$1]}" = N ]; then
        refuse dangles "$name" "$end"
      elif [ "${TYPES[$1]}" = d ]; then
        may_follow "$end" || refuse "$WHY" "$name" "$end"
      elif [ "${TYPES[$1]}" = f ] && [ -z "${FILES[$1]-}" ]; then
        may_follow "$end" file || refuse "$WHY" "$name" "$end"
      fi
      ;;
  esac
}

# refuse WHY NAME END
refuse() { printf 'x %s %s\0t %s\0' "$1" "$2" "$3"; }

# list_absence: there is no FOLDER. A link on the way that leads nowhere may lead to a disk that is not there just now.
list_absence() {
  local at=$FOLDER why
  why=$(stat -L -- "$FOLDER" 2>&1 >/dev/null) || true
  case $why in
    *': No such file or directory') ;;
    *)
      printf '%s is no folder that can be read: %s\n' "$FOLDER" "$why" >&2
      return 1
      ;;
  esac
  while [ -n "$at" ]; do
    if [ -h "$at" ] && [ ! -e "$at" ]; then
      refuse dangles . "$(realpath -m -- "$FOLDER")"
      return
    fi
    at=${at%/*}
  done
}

check_tools
exec 3>&1
printf '\nmanifest\0n %s\0' "$(date +%s.%N)"
if see_folder "$FOLDER"; then
  list_writers
  list_files
  list_links
  [ "$HASHES" = 0 ] || list_hashes
else
  list_absence
fi
printf 'end\0'
