# Prints "final HASH" when the training with this hash has ended well, so that it writes nothing any more and no step
# starts it again; else "open".
if ended_well && ! training_goes_on; then say "final $(cat "$KEEP/train.hash")"; else say open; fi
