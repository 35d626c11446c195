#!/usr/bin/env bash
# The shell workflow that this project replaces, with its own waits, for comparison: search, create, poll the status
# every 10 s, poll ssh every 5 s, clone, sync, credentials, training in tmux. Prints one line a step:
# "<seconds since start> <step>". VAST_URL, API_KEY, REPO, BRANCH, PUBLIC_KEY and PRIVATE_KEY come from the environment.
set -euo pipefail

say() { printf '%s %s\n' "$(awk -v from="$STARTED" -v to="$(date +%s.%N)" 'BEGIN { printf "%.2f", to - from }')" "$1"; }
vast() { vastai --api-key "$API_KEY" "$@"; }
box() {
  ssh -F none -i "$PRIVATE_KEY" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ProxyCommand=none -o BatchMode=yes -p "$PORT" "root@$HOST" "$@"
}

STARTED=$(date +%s.%N)
OFFER=$(vast search offers 'num_gpus=1 gpu_name=H100_SXM reliability>0.9 disk_space>=150 direct_port_count>=1' \
  --type=bid -o dph_total --raw | jq -r '.[0].id')
say search
ID=$(vast create instance "$OFFER" --image japhba/cot-oracle --disk 150 --ssh --direct --raw | jq -r .new_contract)
trap 'vast destroy instance "$ID" -y >/dev/null 2>&1 || true' EXIT
vast attach ssh "$ID" "$PUBLIC_KEY" >/dev/null
say create
until [ "$(vast show instance "$ID" --raw | jq -r .actual_status)" = running ]; do sleep 10; done
say running
URL=$(vast ssh-url "$ID")
HOST=${URL#ssh://root@}
PORT=${HOST##*:}
HOST=${HOST%:*}
until box true 2>/dev/null; do sleep 5; done
say ssh
box "git clone -q --depth 1 --branch $BRANCH $REPO /workspace/tiny-train"
say clone
box 'cd /workspace/tiny-train && UV_PROJECT_ENVIRONMENT=/workspace/venvs/tiny-train uv sync -q'
say sync
box 'cat > /workspace/.env' <<<'HF_TOKEN=none'
box 'cd /workspace/tiny-train && ln -sfn /workspace/ao_reference/datasets datasets && mkdir -p /workspace/checkpoints &&
  CHECKPOINT_DIR=/workspace/checkpoints tmux new-session -d -s train \
  "/workspace/venvs/tiny-train/bin/python src/train.py 2>&1 | tee /workspace/train.log; sleep infinity"'
say start
until box 'grep -q loss /workspace/train.log' 2>/dev/null; do sleep 0.2; done
say 'first training line'
