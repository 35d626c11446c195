# The environment of the code's lock file in WORKSPACE/venvs/NAME. Values: WORKSPACE, NAME, CODE_ID (of the
# code that is there: with another one the step runs again), UV (requirement with hashes).
CODE=$WORKSPACE/$NAME
OWN_UV=$WORKSPACE/.uv
export UV_PROJECT_ENVIRONMENT=$WORKSPACE/venvs/$NAME UV_NO_PROGRESS=1
PATH=$PATH:$HOME/.local/bin:$OWN_UV/bin
: >"$LOGS/dependencies.log"

bring_uv() {
  command -v uv >/dev/null && return
  local python
  python=$(command -v python3 || command -v python) || fail "the image has neither uv nor a Python to install it with"
  printf '%s\n' "$UV" >"$KEEP/uv.txt"
  logged dependencies timeout 300 "$python" -m pip install --no-input --disable-pip-version-check \
    --require-hashes --no-deps --upgrade --target "$OWN_UV" -r "$KEEP/uv.txt"
  hash -r
}

if [ ! -e "$CODE/pyproject.toml" ]; then
  say "dependencies: no pyproject.toml, nothing to install"
  exit 0
fi
bring_uv
frozen=()
[ -e "$CODE/uv.lock" ] && frozen=(--frozen)
logged dependencies timeout 3600 uv sync --project "$CODE" "${frozen[@]}"
count=$(sed -n 's/^Installed \([0-9]*\) package.*/\1/p' "$LOGS/dependencies.log" | tail -n 1)
say "dependencies: installed ${count:-0} packages for ${CODE_ID:0:12}"
