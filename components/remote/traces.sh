# What on this machine tells of a training of ours. Values: WORKSPACE, and FOLDER of checkpoints (empty = the one that
# training has noted, or else the usual one). Changes nothing.
KEEP=$WORKSPACE/.vast-training
noted=
{ noted=$(<"$KEEP/train.folder"); } 2>/dev/null
folder=${FOLDER:-${noted:-$WORKSPACE/checkpoints}}

is_there() { [ -e "$1" ] && printf 1 || printf 0; }

# Anything that cannot be looked into may hold something.
holds_files() {
  local said found
  found=$(find -L "$folder" -type f -print -quit 2>/dev/null)
  said=$(find -L "$folder" -type f -print -quit 2>&1 >/dev/null | grep -v -e ': No such file or directory$' -e 'File system loop')
  [ -n "$found$said" ] && printf 1 || printf 0
}

has_trained() {
  local mark
  for mark in id hash pid; do
    [ ! -e "$KEEP/train.$mark" ] || { printf 1 && return; }
  done
  printf 0
}

printf '\ntraces kept=%s trained=%s folder=%s saved=%s files=%s\n' "$(is_there "$KEEP")" "$(has_trained)" \
  "$(is_there "$folder")" "$(is_there "$KEEP/train.saved")" "$(holds_files)"
