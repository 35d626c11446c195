# Installs what the code needs, in WORKSPACE/venvs/NAME or in the image's own Python. Values: CODE, COMMIT, DEPENDENCIES
# (the install command, or empty), OWN_PYTHON (not empty = install into the image's Python), SETUP, UV (requirement with
# hashes), UV_ASKED (versions that the code asks for, or empty), and those of the environment.

# install_dependencies: nothing is installed again while code, command and set-up are the same, so that packages added
# by set-up stay.
install_dependencies() {
  local mark count environment=$WORKSPACE/venvs/$NAME
  : >"$LOGS/dependencies.log"
  bring_uv || [ -z "$DEPENDENCIES" ] || refuse "Training is not started: its dependencies need uv."
  mark=$(printf '%s\0' "$COMMIT" "$DEPENDENCIES" "$UV_ASKED" "$SETUP" | sha256sum)
  # An environment left by an earlier commit would hide the image's Python.
  [ -z "$OWN_PYTHON" ] || [ ! -e "$environment/$DEPENDENCIES_MARK" ] || rm -rf "$environment"
  if [ -z "$DEPENDENCIES" ]; then
    say "dependencies: nothing to install"
    return
  fi
  if [ "$(cat "$(dependencies_mark)" 2>/dev/null)" = "$mark" ]; then
    say "dependencies: they are there for ${COMMIT:0:12}"
    return
  fi
  rm -f "$(dependencies_mark)"
  hold 3720
  UV_NO_PROGRESS=1 logged dependencies in_environment 3600 "$DEPENDENCIES" 9>&- ||
    refuse "Training is not started: its dependencies are not installed."
  printf '%s\n' "$mark" >"$(dependencies_mark)"
  count=$(sed -n 's/^Installed \([0-9]*\) package.*/\1/p' "$LOGS/dependencies.log" | tail -n 1)
  say "dependencies: they are there for ${COMMIT:0:12}${count:+, $count of them installed now}"
}

DEPENDENCIES_MARK=.vast-training-dependencies

# dependencies_mark: the mark is kept where the packages are, in the environment or the container, so both vanish
# together.
dependencies_mark() {
  local environment=$WORKSPACE/venvs/$NAME
  if [ -d "$environment/bin" ]; then printf '%s' "$environment/$DEPENDENCIES_MARK"; else printf '%s' "$HOME/$DEPENDENCIES_MARK"; fi
}

# bring_uv: uses the image's uv if it suits the code, else installs one; also where only the user's commands may use it.
bring_uv() {
  ! suits_uv || return 0
  take_uv --require-hashes "$UV" || return 1
  suits_uv || [ -z "$UV_ASKED" ] || take_uv --upgrade "uv$UV_ASKED"
}

# suits_uv: true when uv is there and the code accepts its version.
suits_uv() {
  (
    PATH=$WORKSPACE/.uv/bin:$PATH:$HOME/.local/bin
    cd "$CODE"
    command -v uv >/dev/null || exit 1
    [ -n "$UV_ASKED" ] || exit 0
    case $(uv python dir 2>&1 || true) in *'Required uv version'*) exit 1 ;; esac
  )
}

# take_uv OPTION REQUIREMENT
take_uv() {
  local python
  if ! python=$(command -v python3 || command -v python); then
    say "the image has neither uv nor a Python to install it with" >&2
    return 1
  fi
  printf '%s\n' "$2" >"$KEEP/uv.txt"
  logged dependencies timeout "$([ -n "$DEPENDENCIES" ] && say 300 || say 60)" "$python" -m pip install --no-input \
    --disable-pip-version-check "$1" --no-deps --upgrade --target "$WORKSPACE/.uv" -r "$KEEP/uv.txt"
}
