# Fetches with the user's ssh agent, which is there for this session alone. Values: those of code.sh.
FETCHING=yes
CODE=$WORKSPACE/$NAME
bring_commit 0 "$CODE" "$REPO" "$COMMIT" "$REF"
each_extra bring_extra
