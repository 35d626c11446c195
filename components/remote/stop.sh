# Asks training to stop and waits for its end, so that its files can be fetched. Values: WORKSPACE, GRACE, RESCUE (not
# empty = the machine was started only to fetch its files).
lock
hold 600
[ -z "$RESCUE" ] || mark "$KEEP/rescue" yes
stop_training "$GRACE"
