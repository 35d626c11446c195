# Prints what training does at this moment; components/remote/now.ts reads it. Changes nothing. Values: WORKSPACE, and
# CHECKPOINTS, the folder.
step=$(tail -c 20000 -- "$LOG" 2>/dev/null | tr -d '\0' | grep -aoiE '\bstep[ =:_]*[0-9]+' | tail -n 1 | grep -oE '[0-9]+$') || step=
files=$(find -L "$CHECKPOINTS" -type f 2>/dev/null | wc -l) || true
if training_goes_on; then runs=1; else runs=0; fi
say "now runs=$runs step=$step files=$files"
