# Prints "final HASH" when the training with this hash has ended well: it writes nothing more, and no step starts it
# again. Otherwise prints "open".
if ended_well && ! training_goes_on; then say "final $(cat "$KEEP/train.hash")"; else say open; fi
