# Prints the signs of a training of ours on this machine. Changes nothing. Values: WORKSPACE, and FOLDER of checkpoints
# (empty = the one noted by training, or else the default).
KEEP=$WORKSPACE/.vast-training
noted=
{ noted=$(<"$KEEP/train.folder"); } 2>/dev/null
folder=${FOLDER:-${noted:-$WORKSPACE/checkpoints}}

is_there() { [ -e "$1" ] && printf 1 || printf 0; }

# A folder that cannot be read may hold something.
holds_files() {
  find -L "$folder" -type f -printf 'a file\n' -quit 2>&1 |
    grep -qv -e ': No such file or directory$' -e 'File system loop' && printf 1 || printf 0
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
