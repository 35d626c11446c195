# Environment of the user's commands on the machine; a later assignment wins. Values: WORKSPACE, NAME, CODE,
# CHECKPOINTS, ENV_LINES, NUM_GPUS, WANDB_PROJECT, WANDB_RUN_ID (or empty), WANDB_TAGS, NEWEST (newest.py),
# RESUME_LAYOUT (a glob below CHECKPOINTS, "$(COMMAND)", or empty).

# find_resume: exports RESUME_FROM if a checkpoint is found, and sets RESUME_SAID to a sentence about it.
find_resume() {
  local path= own=
  unset RESUME_FROM
  RESUME_SAID=
  case $RESUME_LAYOUT in
    '$('*')')
      own=${RESUME_LAYOUT#'$('}
      own=${own%')'}
      if path=$(cd "$CODE" && timeout 300 bash -c "$own") && [ -n "$path" ]; then
        RESUME_SAID="RESUME_FROM is ${path//[[:cntrl:]]/?}"
      else
        RESUME_SAID="RESUME_FROM is unset: resumeFrom's command has failed, or named nothing: $own"
        path=
      fi
      ;;
    *)
      {
        IFS= read -r -d '' path && IFS= read -r -d '' RESUME_SAID ||
          RESUME_SAID=$(not_looked)
      } < <(timeout 300 python3 -I -c "$NEWEST" "$CHECKPOINTS" "$RESUME_LAYOUT")
      ;;
  esac
  [ -z "$path" ] || export RESUME_FROM=$path
}

# not_looked: prints that nobody could look, unless there are no files to look at.
not_looked() {
  [ -z "$(find -L "$CHECKPOINTS" -type f -print -quit 2>/dev/null)" ] ||
    say "RESUME_FROM is unset: looking for checkpoints in $CHECKPOINTS takes python3, which has failed or is not on this machine"
}

training_environment() {
  local library
  export PYTHONUNBUFFERED=1 HF_HOME=$WORKSPACE/hf_cache WANDB_PROJECT
  if [ -n "$WANDB_RUN_ID" ]; then export WANDB_RUN_ID WANDB_TAGS WANDB_RESUME=allow; fi
  library=$(of_first_process LD_LIBRARY_PATH)
  [ -z "$library" ] || export LD_LIBRARY_PATH=$library
  [ ! -r "$WORKSPACE/.env" ] || . "$WORKSPACE/.env"
  eval "$ENV_LINES"
  export NUM_GPUS CHECKPOINT_DIR=$CHECKPOINTS CONTAINER_ID
  CONTAINER_ID=$(of_first_process CONTAINER_ID)
  export UV_PROJECT_ENVIRONMENT=$WORKSPACE/venvs/$NAME
  PATH=$WORKSPACE/.uv/bin:$PATH:$HOME/.local/bin
  if [ -d "$UV_PROJECT_ENVIRONMENT/bin" ]; then
    export VIRTUAL_ENV=$UV_PROJECT_ENVIRONMENT PATH=$UV_PROJECT_ENVIRONMENT/bin:$PATH
  fi
  allow_git
  find_resume
}

# allow_git: a forwarded token opens private GitHub repositories, also those that a lock file names by ssh.
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
