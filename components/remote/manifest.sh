# Sizes and sha256 of every file below FOLDER; links and special files are none. Values: FOLDER.
# Records end with NUL, because a name may hold anything else; the last one proves that nothing was cut off.
set -euo pipefail
if [ -e "$FOLDER" ]; then
  cd "$FOLDER"
  find . -type f -printf 's %s %P\0'
  # A file that is gone by now has a size and no hash.
  find . -type f -print0 | xargs -0 -r sha256sum -z -b -- 2>/dev/null || true
fi
printf 'end\0'
