# How this machine asks Vast to stop it: with its own key, which is valid for this machine alone and stands in the
# environment of its first process. Values: API (its origin).

# stop_machine: succeeds when Vast has accepted the request; otherwise prints why not.
stop_machine() {
  local key id tool said status
  key=$(of_first_process CONTAINER_API_KEY)
  id=$(of_first_process CONTAINER_ID)
  if [ -z "$key" ] || [ -z "$id" ]; then
    printf 'it has no key of its own: CONTAINER_API_KEY or CONTAINER_ID is missing'
    return 1
  fi
  status= said='curl, wget and python3 are all missing'
  # If one tool gets no answer, perhaps because it has no certificates, the next is tried.
  for tool in curl wget python3; do
    command -v "$tool" >/dev/null || continue
    said=$(printf '%s' "$key" | "put_by_$tool" "$API/api/v0/instances/$id/" '{"state":"stopped"}' 2>&1)
    status=$(sed -n 's/^ *HTTP\/[0-9.]* \([0-9][0-9]*\).*/\1/p' <<<"$said" | tail -n 1)
    [ -z "$status" ] || break
  done
  [ "$status" = 200 ] && grep -q '"success": *true' <<<"$said" && return 0
  printf '%s' "$said" | tr -c '[:print:]' ' ' | tail -c 300
  return 1
}

# put_by_TOOL URL BODY: the key goes by standard input and is in no list of arguments; prints "HTTP/1.1 200" and the
# body.
put_by_curl() {
  local key
  key=$(cat)
  printf 'header = "Authorization: Bearer %s"\n' "$key" |
    curl --config - --silent --show-error --max-time 30 --request PUT --header 'Content-Type: application/json' \
      --data "$2" --write-out '\nHTTP/1 %{http_code}\n' "$1" | sed 's/^HTTP\/1 000$//'
}

# wget reads its settings only from a file.
put_by_wget() {
  local key settings=$KEEP/wgetrc
  key=$(cat)
  (umask 077 && printf '%s\n' "header = Authorization: Bearer $key" 'header = Content-Type: application/json' >"$settings")
  wget --config="$settings" --quiet --server-response --content-on-error --timeout=30 --tries=1 --max-redirect=0 \
    --method=PUT --body-data="$2" --output-document=- "$1"
  rm -f "$settings"
}

put_by_python3() {
  python3 -c '
import sys, urllib.error, urllib.request
headers = {"Authorization": "Bearer " + sys.stdin.read(), "Content-Type": "application/json"}
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), headers, method="PUT")
try:
    answer = urllib.request.urlopen(request, timeout=30)
except urllib.error.HTTPError as error:
    answer = error
print("HTTP/1.1", answer.status, "\n" + answer.read().decode(errors="replace"))
' "$1" "$2"
}

# can_call: is one of the tools there, in a version that can do this?
can_call() {
  command -v curl >/dev/null || command -v python3 >/dev/null || wget --help 2>/dev/null | grep -q -- --body-data
}
