# Prints size and sha256 of every file of FOLDER and of the targets of its links (folder.sh), the other links, and who
# writes to any of them; special files are left out. Values: FOLDER, WORKSPACE, and HASHES: 0 leaves the sums out, which
# is fast.
# Records end with NUL, because names may hold any other character. The first record ends whatever a shell prints at its
# start; the last one proves that nothing was cut off. Names are as seen from FOLDER: "./run1/step_1", and "." for
# FOLDER itself.
#   n SECONDS                                 the machine's clock
#   w PID COMMAND                             writes just now
#   s SIZE BLOCKS INODE MTIME CTIME NAME      a file; blocks are 512 bytes each
#   sums                                      what follows are sums alone: all else is listed
#   SHA256 *NAME                              the sum of a file that still exists
#   l NAME, then e NAME                       a link, and its target within all that is listed
#   x WHY NAME, then t PATH                   a link that cannot be followed, and its target
list_writers() {
  local pid pids comm
  pids=$(writing) && [ -n "$SEEN" ] || {
    printf 'who writes, and where links lead, cannot be looked at: a tool could not be started, or was killed\n' >&2
    return 1
  }
  for pid in $pids; do
    comm=
    { IFS= read -r comm <"/proc/$pid/comm"; } 2>/dev/null || true
    # The process has ended by now.
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

# A file that has vanished since has a size but no hash.
name_files() {
  local name
  for name in "${NAMES[@]}"; do find "$name/" -type f -print0; done
  linked_files
}

list_links() {
  local i
  for i in "${!LINKS[@]}"; do list_link "$i"; done
}

# list_link INDEX. A listed file replaces its link, and so does a folder listed under the link's name.
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

# list_absence: there is no FOLDER. A broken link in its path may lead to a disk that is not mounted just now.
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
  [ "$HASHES" = 0 ] || { printf 'sums\0' && print_sums name_files; }
else
  list_absence
fi
printf 'end\0'
