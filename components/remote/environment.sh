# What commands of the user find in their environment on the machine; a later line wins. Values: WORKSPACE, NAME, CODE,
# CHECKPOINTS, ENV_LINES, NUM_GPUS, WANDB_PROJECT, WANDB_RUN_ID (or empty), WANDB_TAGS.

# newest_checkpoint FOLDER: step_<N> with the greatest N, a file or a folder that holds training_state.*
newest_checkpoint() {
  local path step newest=-1 found=
  while IFS= read -r -d '' path; do
    step=${path##*/step_}
    case $step in '' | *[!0-9]*) continue ;; esac
    [ ${#step} -le 15 ] && [ $((10#$step)) -gt "$newest" ] || continue
    [ ! -d "$path" ] || compgen -G "$path/training_state.*" >/dev/null || continue
    newest=$((10#$step)) found=$path
  done < <(find "$1" -mindepth 1 -maxdepth 3 -name 'step_*' \( -type f -o -type d \) -print0 2>/dev/null)
  printf '%s' "$found"
}

training_environment() {
  local resume library
  export PYTHONUNBUFFERED=1 HF_HOME=$WORKSPACE/hf_cache WANDB_PROJECT
  if [ -n "$WANDB_RUN_ID" ]; then export WANDB_RUN_ID WANDB_TAGS WANDB_RESUME=allow; fi
  library=$(of_first_process LD_LIBRARY_PATH)
  [ -z "$library" ] || export LD_LIBRARY_PATH=$library
  [ ! -r "$WORKSPACE/.env" ] || . "$WORKSPACE/.env"
  eval "$ENV_LINES"
  export NUM_GPUS CHECKPOINT_DIR=$CHECKPOINTS CONTAINER_ID
  CONTAINER_ID=$(of_first_process CONTAINER_ID)
  resume=$(newest_checkpoint "$CHECKPOINTS")
  unset RESUME_FROM
  [ -z "$resume" ] || export RESUME_FROM=$resume
  export UV_PROJECT_ENVIRONMENT=$WORKSPACE/venvs/$NAME
  PATH=$WORKSPACE/.uv/bin:$PATH:$HOME/.local/bin
  if [ -d "$UV_PROJECT_ENVIRONMENT/bin" ]; then
    export VIRTUAL_ENV=$UV_PROJECT_ENVIRONMENT PATH=$UV_PROJECT_ENVIRONMENT/bin:$PATH
  fi
  allow_git
}

# allow_git: a token that was forwarded opens private repositories of GitHub, which a lock file may name by ssh as well.
allow_git() {
  local number=${GIT_CONFIG_COUNT:-0} host=https://github.com
  export GIT_TERMINAL_PROMPT=0
  [ -n "${GITHUB_TOKEN-}" ] || return 0
  set -- "credential.$host.helper" '!f() { [ "$1" != get ] || printf "username=x-access-token\npassword=%s\n" "$GITHUB_TOKEN"; }; f' \
    "url.$host/.insteadOf" ssh://git@github.com/ "url.$host/.insteadOf" git@github.com:
  while [ $# -gt 0 ]; do
    export "GIT_CONFIG_KEY_$number=$1" "GIT_CONFIG_VALUE_$number=$2"
    number=$((number + 1))
    shift 2
  done
  export GIT_CONFIG_COUNT=$number
}
