# What lists files on a machine: manifest.sh and brought.sh.
set -euo pipefail
export LC_ALL=C

# Without them links would only seem to be none.
check_tools() {
  local end=
  IFS= read -r -d '' end < <(printf '/\0' | sort -z | xargs -0 realpath -mz --) || true
  [ "$end" = / ] && return
  printf 'the machine lacks sort, xargs or realpath of GNU, without which its links cannot be looked at\n' >&2
  return 1
}

# What goes away while it is looked for is not there; whatever else find complains of makes the list a part of one.
seek() {
  local said code=0
  said=$({ find "$@" >&3; } 2>&1) || code=$?
  said=$(grep -v ': No such file or directory$' <<<"$said") || true
  if [ -n "$said" ] || [ "$code" -gt 1 ]; then
    printf 'find ended with %s: %s\n' "$code" "$said" >&2
    return 1
  fi
}
