# Asks training to stop and waits for its end; its files are fetched next. Values: WORKSPACE, GRACE, RESCUE (not empty =
# the machine was started for its files alone).
lock
hold 600
[ -z "$RESCUE" ] || mark "$KEEP/rescue" yes
stop_training "$GRACE"
