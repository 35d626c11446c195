# Fetches with the user's ssh agent, which only this session has. Values: those of code.sh.
FETCHING=yes
CODE=$WORKSPACE/$NAME
bring_commit 0 "$CODE" "$REPO" "$COMMIT" "$REF"
each_extra bring_extra
