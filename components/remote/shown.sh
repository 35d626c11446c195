# Anybody may read what a step prints, so this machine's credentials are taken out of it, as components/lib/secrets.ts
# does on the user's side. Values: WORKSPACE, ENV_FILE (only in the step that writes the credentials: the file does not
# exist yet).

# without_credentials: filters line by line. No credential is ever in a list of arguments.
without_credentials() {
  local LC_ALL=C line form
  local -a FORMS=()
  learn_credentials
  while IFS= read -r line || [ -n "$line" ]; do
    for form in "${FORMS[@]}"; do hide_form; done
    case $line in *://*@*) hide_user_info ;; esac
    printf '%s\n' "$line"
  done
}

# learn_credentials: fills FORMS, the longest first: each credential as it is, as a shell, JSON and a URL write it, and
# in base64 at any position of a longer text. Values shorter than 8 characters do not count as credentials.
learn_credentials() {
  local value
  while read -r value; do
    [ ${#value} -lt 8 ] || learn_line "$value"
  done < <(credential_values)
  [ ${#FORMS[@]} = 0 ] || mapfile -t FORMS < <(
    for value in "${FORMS[@]}"; do printf '%s %s\n' "${#value}" "$value"; done | sort -rn | cut -d ' ' -f 2-
  )
}

# credential_values: prints the values given to training, the passwords in the netrc, and the machine's own key, one a
# line.
credential_values() {
  local text name
  text=${ENV_FILE-$(cat "$WORKSPACE/.env" 2>/dev/null)}
  (
    eval "$text"
    for name in $(sed -n 's/^export \([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' < <(printf '%s\n' "$text")); do
      printf '%s\n' "${!name-}"
    done
  ) 2>/dev/null || true
  { tr -s '[:space:]' '\n' <"$HOME/.netrc" | sed -n '/^password$/{n;s/^"\(.*\)"$/\1/;p;}'; } 2>/dev/null || true
  { tr '\0' '\n' <"${FIRST_PROCESS:-/proc/1/environ}" | sed -n 's/^CONTAINER_API_KEY=//p'; } 2>/dev/null || true
}

# learn_line LINE
learn_line() {
  local line=$1 quote="'" quoted="'\\''" double='"' back=\\ json twice form before kept
  local forms=("${line//"$quote"/"$quoted"}")
  json=${line//"$back"/"$back$back"}
  json=${json//"$double"/"$back$double"}
  twice=${json//"$back"/"$back$back"}
  forms+=("$json" "${twice//"$double"/"$back$double"}")
  # Programs differ in which characters they leave unchanged in a URL.
  for kept in '._-' '._~-' '._~/-' "._~!*'()-" '._*-+'; do
    as_in_url "$kept" %02X
    forms+=("$form")
    as_in_url "$kept" %02x
    forms+=("$form")
  done
  for before in '' x xx; do
    form=$(printf '%s' "$before$line" | base64 -w 0)
    form=${form%%=*}
    [ $(((${#before} + ${#line}) % 3)) = 0 ] || form=${form%?}
    form=${form:$(((${#before} * 4 + 2) / 3))}
    forms+=("$form")
    form=${form//+/-}
    forms+=("${form//'/'/_}")
  done
  FORMS+=("$line")
  for form in "${forms[@]}"; do
    [ ${#form} -lt 8 ] || [ "$form" = "$line" ] || FORMS+=("$form")
  done
}

# as_in_url KEPT FORMAT: sets FORM to LINE as a URL has it; if KEPT includes +, a blank becomes +.
as_in_url() {
  local at sign code
  form=
  for ((at = 0; at < ${#line}; at++)); do
    sign=${line:at:1}
    case $1$sign in
      *+' ') sign=+ ;;
      *[a-zA-Z0-9]) ;;
      *)
        if [ "$sign" = + ] || [ "${1/"$sign"/}" = "$1" ]; then
          printf -v code %d "'$sign"
          printf -v sign "%%$2" "$((code & 255))"
        fi
        ;;
    esac
    form+=$sign
  done
}

# hide_form: hides FORM in LINE, also where LINE was cut in the middle of it.
hide_form() {
  local head=${form:0:8} tail=${form: -8} part
  line=${line//"$form"/[secret]}
  case $line in *"$head"*)
    part=$head${line##*"$head"}
    [ "${form#"$part"}" = "$form" ] || line=${line%"$part"}[secret]
    ;;
  esac
  case $line in *"$tail"*)
    part=${line%%"$tail"*}$tail
    [ "${form%"$part"}" = "$form" ] || line=[secret]${line#"$part"}
    ;;
  esac
}

# hide_user_info: hides the part before the @ of a URL in LINE; a user name for ssh alone is no secret.
hide_user_info() {
  local url='^(.*[a-zA-Z][a-zA-Z0-9+.-]*://)([^[:space:]/?#"<>]*|[^[:space:]/?#:@]*:[^0-9/[:space:]][^[:space:]"<>]*)@(.*)$'
  local rest=$line shown= user
  while [[ $rest =~ $url ]]; do
    user=[secret]
    if [[ ${BASH_REMATCH[1]} = *ssh:// ]] && [[ ${BASH_REMATCH[2]} != *:* ]]; then user=${BASH_REMATCH[2]}; fi
    rest=${BASH_REMATCH[1]} shown=$user@${BASH_REMATCH[3]}$shown
  done
  line=$rest$shown
}
