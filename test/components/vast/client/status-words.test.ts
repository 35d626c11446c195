import assert from "node:assert/strict";
import { test } from "node:test";
import { phaseOf } from "../../../../components/vast/client/phase.ts";
import { complaintIn, imageTroubleText } from "../../../../components/vast/client/status-words.ts";
import { instanceFromWire } from "../../../../components/vast/client/wire.ts";

const DENIED = [
  "pull access denied for a/b, repository does not exist",
  "unauthorized: authentication required",
  "denied: requested access to the resource is denied",
  'Error response from daemon: Head "https://ghcr.io/v2/acme/train/manifests/latest": unauthorized',
  'Error response from daemon: Head "https://ghcr.io/v2/acme/train/manifests/latest": denied: denied',
  "Error response from daemon: denied",
  "Error response from daemon: error from registry: denied\ndenied",
  "Error response from daemon: error from registry: unauthorized",
  "401 Unauthorized",
  "Error response from daemon: unexpected status code 403 Forbidden",
  'failed to resolve reference "x": unexpected status from HEAD request to https://x/v2/a/manifests/1: 401 Unauthorized',
  'Error response from daemon: Get "https://gcr.io/v2/": unauthorized: incorrect username or password',
  "no basic auth credentials",
  "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
  "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
];
const NONE = [
  "manifest for a/b:c not found: manifest unknown",
  "Error response from daemon: manifest unknown",
  'failed to resolve reference "docker.io/a/b:c": docker.io/a/b:c: not found',
  "invalid reference format: repository name must be lowercase",
  "Error response from daemon: name unknown: repository acme/train not found in registry",
];
const UNFIT = [
  "Error response from daemon: no matching manifest for linux/amd64 in the manifest list entries",
  'image operating system "windows" cannot be used on this platform: operating system is not supported',
  "exec /bin/sh: exec format error",
  "Error response from daemon: unsupported media type application/vnd.docker.distribution.manifest.v1+prettyjws",
];
const LIMITED = [
  "toomanyrequests: You have reached your unauthenticated pull rate limit",
  "Error response from daemon: error from registry: 429 Too Many Requests",
];
/** Vast's daemon, Docker, the container runtime. */
const HOST = [
  "Error: GPU error, unable to start instance.",
  "Error: machine does not support VMs.",
  "Error: Internal error.",
  "Error: container is mounted",
  "Error: Machine incompatible with VMs after host change. Please destroy the instance and find a new machine.",
  "Error: unable to complete out-of-memory-check",
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
  "nvidia-container-cli: device error: 0: unknown device",
  "Secrets fetch failed: machine authentication denied (HTTP 401)",
  "docker_build() error writing dockerfile",
  "docker_build(): no such file",
  "error pulling image configuration: download failed after attempts=6: dial tcp: lookup production.cloudflare.docker.com: no such host",
  'could not select device driver "" with capabilities: [[gpu]]',
  "failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error",
  "failed to initialize NVML: Driver/library version mismatch",
  "failed to inject CDI devices: unresolvable CDI devices",
  "failed to register layer: write /usr/lib/x: no space left on device",
  "write /x: read-only file system",
  "unexpected EOF",
];
/** A registry that is cut off has refused nothing. */
const CUT = [
  'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://ghcr.io/v2/a/blobs/sha256:76": unauthorized: read tcp 10.0.0.1:4: connection reset by peer',
  'failed to authorize: failed to fetch oauth token: Post "https://auth.docker.io/token": unauthorized: net/http: TLS handshake timeout',
  "Error response from daemon: denied: unexpected EOF",
  "error from registry: denied\nread tcp 10.0.0.2:443: i/o timeout",
];
const PROGRESS = [
  "",
  "4bbfd2c87b75: Pulling fs layer\n5c2bf2a3b1c6: Waiting",
  "0d30c18b26f8: Retrying in 5 seconds",
  "80ee424dc764: error pulling image configuration, Retrying in 1 second",
  "docker.io/acme/unauthorized@sha256:abc: Pulling from acme/gpu-error\n",
  "#8 1.250 Collecting unauthorized",
  "#9 3.1 npm ERR! 401 Unauthorized",
  "#7 5.2 W: Some index files failed to download. They have been ignored, or old ones used instead.",
  "Step 3/9 : RUN echo denied: requested access to the resource is denied",
  "Generating documentation for unauthorized clients",
  "Get:12 http://archive.ubuntu.com liberror-perl all 0.17029-2 [25.6 kB]",
  "0 errors, 3 warnings",
  "Preparing GPUs...",
  "Waiting for template update",
  "success, running acme/error_1.0/ssh",
  "f1555660aa88: Download complete",
];
const UNKNOWN = [
  "Error: the moon is in the wrong place",
  "error: 17",
  "2026-11-02T10:00:00Z C.47474765: Error - try later",
  "ERROR failed to solve: process did not complete successfully: exit code: 1",
  "#12 ERROR: process did not complete successfully",
];

/** As other hosts may say it: in capitals, behind a prefix, as the second line, with an id inside. */
function variantsOf(message: string): string[] {
  return [
    message,
    message.toUpperCase(),
    `[2026-11-02 10:00:00] vast: ${message}`,
    `5c2bf2a3b1c6: Pull complete\n${message}`,
    `${message}\nC.47474765`,
    `${message} (D.c0b49a0a826324dc80459dac9601c9f1694f3141ab95994fa307725c15de5534)`,
  ];
}

const groups = { denied: DENIED, none: NONE, unfit: UNFIT, limited: LIMITED, host: [...HOST, ...CUT] };

for (const [about, messages] of Object.entries(groups)) {
  for (const message of messages) {
    test(`"${message.slice(0, 90)}": ${about}`, () => {
      for (const variant of variantsOf(message)) assert.equal(complaintIn(variant)?.about, about, variant);
    });
  }
}

for (const message of PROGRESS) {
  test(`"${message.slice(0, 90)}" is progress`, () => assert.equal(complaintIn(message), undefined));
}

for (const message of UNKNOWN) {
  test(`"${message}" is an error that nobody knows`, () => {
    assert.deepEqual(complaintIn(`5c2bf2a3b1c6: Waiting\n${message}`), { about: "unknown", line: message });
  });
}

test("the image comes before the host, the host before what nobody knows", () => {
  const lines = ["Error: something", "Error response from daemon: no such device", "manifest unknown"];
  assert.equal(complaintIn(lines.join("\n"))?.about, "none");
  assert.equal(complaintIn(lines.slice(0, 2).join("\n"))?.about, "host");
});

test("an image that cannot be had is told with what to do", () => {
  assert.match(
    imageTroubleText("a/b:c", "denied", "denied"),
    /^image a\/b:c cannot be pulled: it is private and needs a login.*registryUser.*\(Docker: denied\)$/,
  );
  assert.match(imageTroubleText("a/b:c", "none", ""), /no image of that name, or not this tag; set image to one/);
  assert.match(imageTroubleText("a/b:c", "unfit", ""), /linux\/amd64/);
  assert.match(imageTroubleText("a/b:c", "limited", ""), /when others fare no better, try again in some hours/);
});

/** Rows in which the words that decide come late. */
const late = (before: number) =>
  instanceFromWire({
    id: 7,
    actual_status: "loading",
    intended_status: "running",
    status_msg: `Error response from daemon: failed to resolve reference "${"x".repeat(before)}": not found`,
  });

test("what decides may stand behind a long name, and is what is shown", () => {
  for (const length of [10, 300, 1000]) assert.equal(phaseOf(late(length)).cause, "image", String(length));
  const message = `${"Get:1 http://archive.ubuntu.com x\n".repeat(1500)}Error response from daemon: manifest unknown`;
  const phase = phaseOf(instanceFromWire({ id: 7, actual_status: "loading", status_msg: message }));
  assert.equal(phase.cause, "image");
  assert.match(phase.text, /\(Docker: Error response from daemon: manifest unknown\)$/);
});

test("a text of 1 MB takes no longer for its length", () => {
  const starts = ["manifest for ", "failed to resolve reference ", "error ", "a: ", "status code ", "\n", "[", "#1 "];
  for (const start of starts) {
    const text = start.repeat(1_000_000 / start.length);
    const began = process.cpuUsage();
    complaintIn(text);
    const { user } = process.cpuUsage(began);
    assert.ok(user < 5_000_000, `${JSON.stringify(start)}: ${user / 1e6} s of processor time`);
  }
});
