# Common to manifest.sh and brought.sh, which list files on a machine. Values: SUMS, the text of sums.py, where sums are
# asked for.
set -euo pipefail
export LC_ALL=C

# Without these tools it would only look as if there were no links.
check_tools() {
  local end=
  IFS= read -r -d '' end < <(printf '/\0' | sort -z | xargs -0 realpath -mz --) || true
  [ "$end" = / ] && return
  printf 'the machine lacks sort, xargs or realpath of GNU, without which its links cannot be looked at\n' >&2
  return 1
}

# A file that vanishes during the search counts as absent. After any other error of find the list may be incomplete, so
# this fails.
seek() {
  local said code=0
  said=$({ find "$@" >&3; } 2>&1) || code=$?
  said=$(grep -v ': No such file or directory$' <<<"$said") || true
  if [ -n "$said" ] || [ "$code" -gt 1 ]; then
    printf 'find ended with %s: %s\n' "$code" "$said" >&2
    return 1
  fi
}

# print_sums COMMAND...: prints the sums of the files that COMMAND names, each name ended by NUL. When python3 is missing,
# fails midway or is something else, sha256sum begins anew: that a sum is there twice does no harm. What a wrapper of
# python3 has to say for itself does not get between the sums.
print_sums() {
  local code=0
  { "$@" || true; } 2>/dev/null | python3 -I -S -c "$SUMS" 4>&1 >/dev/null 2>&1 || code=$?
  [ $code = 7 ] || { "$@" || true; } 2>/dev/null | xargs -0 -r sha256sum -z -b -- 2>/dev/null || true
}
