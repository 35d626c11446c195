# Sizes and sha256 of every file below FOLDER, and its links; special files are none. Values: FOLDER, and HASHES: 0 leaves
# the sums out, which takes no time.
# Records end with NUL, because a name may hold anything else; the first one ends what a shell says when it starts, and
# the last one proves that nothing was cut off.
set -euo pipefail
export LC_ALL=C

# What goes away while it is looked for is not there; whatever else find complains of makes the list a part of one.
seek() {
  local said code=0
  said=$({ find . "$@" >&3; } 2>&1) || code=$?
  said=$(grep -v ': No such file or directory$' <<<"$said") || true
  if [ -n "$said" ] || [ "$code" -gt 1 ]; then
    printf 'find ended with %s: %s\n' "$code" "$said" >&2
    return 1
  fi
}

exec 3>&1
printf '\nmanifest\0'
if [ -e "$FOLDER" ]; then
  cd "$FOLDER"
  # Its size, what it takes on disk (512 bytes each), and what changes whenever somebody writes to it or makes it anew.
  seek -type f -printf 's %s %b %i %T@ %P\0'
  seek -type l -printf 'l %P\0t %l\0'
  # A file that is gone by now has a size and no hash.
  if [ "$HASHES" = 1 ]; then
    find . -type f -print0 2>/dev/null | xargs -0 -r sha256sum -z -b -- 2>/dev/null || true
  fi
fi
printf 'end\0'
