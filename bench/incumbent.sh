#!/usr/bin/env bash
# The shell workflow that this project replaces, for comparison: search, create, poll the status and then ssh every POLL
# seconds (default 2), clone, sync, credentials, training in tmux. Prints one line a step: "<seconds since start> <step>".
# As with such a script, its machine bills until somebody destroys it. VAST_URL, API_KEY, REPO, BRANCH, PUBLIC_KEY and
# PRIVATE_KEY come from the environment.
set -euo pipefail

say() { printf '%s %s\n' "$(awk -v from="$STARTED" -v to="$(date +%s.%N)" 'BEGIN { printf "%.2f", to - from }')" "$1"; }
vast() { vastai --api-key "$API_KEY" "$@"; }
box() {
  ssh -F none -i "$PRIVATE_KEY" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ProxyCommand=none -o BatchMode=yes -p "$PORT" "root@$HOST" "$@"
}

POLL=${POLL:-2}
STARTED=$(date +%s.%N)
OFFER=$(vast search offers 'num_gpus=1 gpu_name=H100_SXM reliability>0.9 disk_space>=150 direct_port_count>=1' \
  --type=bid -o dph_total --raw | jq -r '.[0].id')
say search
ID=$(vast create instance "$OFFER" --image japhba/cot-oracle --disk 150 --ssh --direct --raw | jq -r .new_contract)
say "create $ID"
vast attach ssh "$ID" "$PUBLIC_KEY" >/dev/null
until [ "$(vast show instance "$ID" --raw | jq -r .actual_status)" = running ]; do sleep "$POLL"; done
say running
# The client breaks off while Vast has no ports yet.
until URL=$(vast ssh-url "$ID" 2>/dev/null); do sleep "$POLL"; done
HOST=${URL#ssh://root@}
PORT=${HOST##*:}
HOST=${HOST%:*}
until box true 2>/dev/null; do sleep "$POLL"; done
say "ssh $PORT"
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
