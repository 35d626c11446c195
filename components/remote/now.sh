# Prints what training does at this moment, and the last lines of its log; components/remote/now.ts reads it. Changes
# nothing. Values: WORKSPACE, and CHECKPOINTS, the folder.
files=$(find -L "$CHECKPOINTS" -type f 2>/dev/null | wc -l) || true
if training_goes_on; then runs=1; else runs=0; fi
say "now runs=$runs files=$files"
[ ! -s "$LOG" ] || last_lines "$LOG" 40 | sed 's/^/| /'
