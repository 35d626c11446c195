# Sizes and sha256 of every file below FOLDER, and its links; special files are none. Values: FOLDER.
# Records end with NUL, because a name may hold anything else; the first one ends what a shell says when it starts, and
# the last one proves that nothing was cut off.
set -euo pipefail
printf '\nmanifest\0'
if [ -e "$FOLDER" ]; then
  cd "$FOLDER"
  find . -type f -printf 's %s %P\0'
  find . -type l -printf 'l %P\0t %l\0'
  # A file that is gone by now has a size and no hash.
  find . -type f -print0 | xargs -0 -r sha256sum -z -b -- 2>/dev/null || true
fi
printf 'end\0'
