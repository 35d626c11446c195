# The fuse: ends a machine that none of our processes knows. When nobody has logged in (IN) for LIMIT seconds of running
# time, summed over all starts (SPENT), the machine ends itself with its own key. It is only stopped, not deleted, when
# it may hold something: at any start but the first, or when our folder (KEEP) or anything in CHECKPOINTS exists. This
# is part of onstart and must run in any sh. Vast takes 4000 characters in all, so names are short, and comments are not
# sent. Values: API, LIMIT, CHECKPOINTS.
SPENT=/root/.vast-training-fuse IN=/root/.vast-training-in KEEP=/workspace/.vast-training
anew=; [ -e $SPENT ] || { anew=1; echo 0 >$SPENT; }
of() { tr '\0' '\n' </proc/1/environ | sed -n "s/^$1=//p"; }
up() { read -r t _ </proc/uptime; echo ${t%.*}; }
# The key goes by standard input, so it is in no list of arguments; printf is built into the shell.
curls() { printf 'header="Authorization: Bearer %s"' "$key" | curl -K- -sm30 -X$1 -HContent-Type:application/json -d"$2" $url; }
pythons() { printf %s "$key" | python3 -c 'import sys,urllib.request as r
m,d,u=sys.argv[1:]
print(r.urlopen(r.Request(u,d.encode(),{"Authorization":"Bearer "+sys.stdin.read(),"Content-Type":"application/json"},method=m),timeout=30).read())' $1 "$2" $url; }
wgets() { (umask 77; printf 'header=Authorization: Bearer %s\nheader=Content-Type:application/json\n' "$key" >$SPENT.w); wget --config=$SPENT.w -qO- -T30 -t1 --method=$1 --body-data="$2" $url; rm -f $SPENT.w; }
ask() { for by in curls pythons wgets; do $by "$@" | grep -q '"success": *true' && return; done; false; }
burn() {
  key=$(of CONTAINER_API_KEY) url=$API/api/v0/instances/$(of CONTAINER_ID)/
  used=$(cat $SPENT) last=$(up)
  case $used in *[!0-9]*) used=0 ;; esac
  while [ ${used:-0} -lt $LIMIT ]; do
    sleep 20; now=$(up) more=$((${now:-0} - ${last:-0})) last=$now
    [ $more -ge 0 ] && [ $more -le 60 ] || more=20
    used=$((${used:-0} + more)); echo $used >$SPENT
    [ ! -e $IN ] || exit
  done
  # Where the guard is installed, it looks after the machine.
  while [ ! -e $IN ] && [ ! -e $KEEP/guard.sh ]; do
    { [ "$anew" ] && [ ! -e $KEEP ] && { [ ! -e "$CHECKPOINTS" ] || [ -z "$(find -L "$CHECKPOINTS" ! -type d 2>&1 | head -n1)" ]; } && ask DELETE {}; } || ask PUT '{"state":"stopped"}'
    sleep 60
  done
}
[ -e $IN ] || burn >/dev/null 2>&1 &
