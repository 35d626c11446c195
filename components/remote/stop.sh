# Asks training to stop and waits for its end. Values: WORKSPACE, GRACE.
stop_training "$GRACE"
