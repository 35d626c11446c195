# A Docker engine that answers; what is there is left as it is.
answers() { timeout 20 docker version >/dev/null 2>&1; }
answers && exit 0
if ! command -v docker >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  timeout 300 apt-get update -q >&2
  timeout 600 apt-get install -q -y --no-install-recommends docker.io >&2
fi
systemctl start docker >&2 || service docker start >&2
for _ in $(seq 60); do
  if answers; then exit 0; fi
  sleep 1
done
echo "Docker was installed, and does not answer" >&2
exit 1
