import assert from "node:assert/strict";
import { test } from "node:test";
import { isRegistryError, type RegistryErrorKind } from "../../../components/registry/errors.ts";
import { findDigest, inspectImage } from "../../../components/registry/registry.ts";
import { amd64, basic, digestOf, index, openHub, openServer } from "./hub.ts";

const login = { username: "tester", password: "canary-token" };
const pause = async () => {};

/** The kind of what is thrown; its sentence holds no secret and is one line. */
async function kindOf(promise: Promise<unknown>): Promise<[RegistryErrorKind, string]> {
  const error = await promise.then(
    () => assert.fail("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  assert.ok(isRegistryError(error), String(error));
  assert.doesNotMatch(error.message, /canary|token-for|\n/);
  return [error.kind, error.message];
}

test("Docker Hub is read by nobody in particular, with a token for one pull", async (t) => {
  const { hub, auth } = await openHub(t, login);
  const options = { hub: hub.url, pause };
  const facts = await inspectImage("public", options);
  assert.deepEqual(facts, {
    pinned: `public@${digestOf(index)}`,
    digest: digestOf(index),
    contents: {
      configBytes: 100,
      layers: [
        { digest: digestOf("1000"), bytes: 1000 },
        { digest: digestOf("20000"), bytes: 20_000 },
      ],
    },
    compressedBytes: 21_100,
  });
  assert.equal(await findDigest(`docker.io/library/public@${digestOf(amd64)}`, options), digestOf(amd64));
  assert.equal(await findDigest("public:none", options), undefined);
  assert.ok(
    auth.seen.every(
      ({ url }) => url === "/token?service=registry.docker.io&scope=repository%3Alibrary%2Fpublic%3Apull",
    ),
  );
  assert.ok(auth.seen.every(({ authorization }) => authorization === undefined));
  assert.match(hub.seen[0]?.accept ?? "", /oci\.image\.index\.v1.*docker\.distribution\.manifest\.list\.v2/);
});

test("a private repository of Docker Hub is read with user and token, which only its login page sees", async (t) => {
  const { hub, auth } = await openHub(t, login);
  const options = { hub: hub.url, pause };
  assert.equal((await inspectImage("tester/private", { ...options, login })).compressedBytes, 21_100);
  assert.ok(auth.seen.every(({ authorization }) => authorization === basic(login)));
  assert.ok(hub.seen.every(({ authorization }) => !authorization?.startsWith("Basic")));
  assert.deepEqual(await kindOf(inspectImage("tester/private", options)), [
    "denied",
    "tester/private is not there, or it is private and nobody may read it without a login.",
  ]);
  assert.deepEqual(await kindOf(inspectImage("other/private", { ...options, login })), [
    "denied",
    'other/private is not there, or it is private and the login of "tester" may not read it.',
  ]);
  const wrong = { ...login, password: "canary-wrong" };
  assert.deepEqual(await kindOf(inspectImage("tester/private", { ...options, login: wrong })), [
    "bad_login",
    'docker.io refuses the login of "tester": check the user and the token.',
  ]);
});

test("a tag that is not there is named", async (t) => {
  const { hub } = await openHub(t, login);
  assert.deepEqual(await kindOf(inspectImage("tester/private:deps-1", { hub: hub.url, login, pause })), [
    "not_found",
    'tester/private on docker.io has no tag "deps-1" (image tester/private:deps-1).',
  ]);
  assert.equal((await kindOf(inspectImage("A/b")))[0], "invalid");
});

test("an image for other processors alone cannot be used", async (t) => {
  const none = JSON.stringify({
    manifests: [{ digest: digestOf("x"), platform: { os: "linux", architecture: "arm64" } }],
  });
  const { address } = await openServer(t, () => [200, {}, none]);
  assert.equal((await kindOf(inspectImage(`${address}/a:1`)))[0], "unusable");
  const old = await openServer(t, () => [200, {}, { schemaVersion: 1, fsLayers: [] }]);
  assert.equal((await kindOf(inspectImage(`${old.address}/a:1`)))[0], "unusable");
});

test("another content than the digest names is refused", async (t) => {
  const { address } = await openServer(t, () => [200, {}, amd64]);
  const wanted = digestOf("something else");
  assert.equal((await kindOf(inspectImage(`${address}/a@${wanted}`)))[0], "unexpected");
});

test("a limit, and a registry that does not answer, have kinds of their own", async (t) => {
  const limited = await openServer(t, () => [429, { "Retry-After": "60" }]);
  const error = await inspectImage(`${limited.address}/a`).catch((thrown: unknown) => thrown);
  assert.ok(isRegistryError(error, "rate_limited"));
  assert.equal(error.retryAfterSeconds, 60);
  assert.match(error.message, /or with a login/);

  let left = 2;
  const shaky = await openServer(t, () => (left-- > 0 ? [503] : [200, {}, amd64]));
  assert.equal((await inspectImage(`${shaky.address}/a`, { pause })).compressedBytes, 21_100);
  const broken = await openServer(t, () => [500]);
  assert.match((await kindOf(inspectImage(`${broken.address}/a`, { pause })))[1], /does not answer \(.*status 500\)/);
  assert.equal(broken.seen.length, 3);
  const proxy = await openServer(t, () => [407]);
  const [kind, text] = await kindOf(inspectImage(`${proxy.address}/a`, { pause }));
  assert.equal(kind, "unreachable");
  assert.match(text, /status 407, the proxy wants a login/);
  assert.match((await kindOf(inspectImage("127.0.0.1:1/a", { pause })))[1], /127\.0\.0\.1:1: ECONNREFUSED/);
});

test("a login is sent to no place that a registry may not send its users to", async (t) => {
  const thief = await openServer(t, () => [200, {}, { token: "x" }]);
  for (const realm of [
    "http://example.org/token",
    `${thief.url.replace("//", "//a:b@")}/token`,
    "nonsense",
    "file:///etc/passwd",
  ]) {
    const { address } = await openServer(t, () => [401, { "WWW-Authenticate": `Bearer realm="${realm}"` }]);
    assert.match((await kindOf(inspectImage(`${address}/a`, { login })))[1], /names no safe place to log in/);
  }
  const asked: string[] = [];
  const transport = async ({ url, headers }: { url: URL; headers: Readonly<Record<string, string>> }) => {
    asked.push(url.host);
    assert.equal(headers.Authorization, undefined);
    const challenge = `Bearer realm="${url.host.endsWith("docker.io") ? "https://example.org" : thief.url}/token"`;
    return { status: 401, header: () => challenge, body: Buffer.alloc(0) };
  };
  assert.equal((await kindOf(inspectImage("owner/a", { login, transport })))[0], "unexpected");
  assert.equal((await kindOf(inspectImage("ghcr.io/owner/a", { login, transport })))[0], "unexpected");
  assert.deepEqual(asked, ["registry-1.docker.io", "ghcr.io"]);
  assert.deepEqual(thief.seen, []);
});

test("a token does not follow to another host, and none goes in clear", async (t) => {
  const elsewhere = await openServer(t, () => [200, {}, amd64]);
  const { address } = await openServer(t, ({ authorization }) => {
    if (authorization !== basic(login)) return [401, { "WWW-Authenticate": 'Basic realm="r"' }];
    return [307, { Location: `${elsewhere.url}/there` }];
  });
  assert.equal((await inspectImage(`${address}/a`, { login })).compressedBytes, 21_100);
  assert.deepEqual(
    elsewhere.seen.map(({ url, authorization }) => [url, authorization]),
    [["/there", undefined]],
  );
  const clear = await openServer(t, () => [302, { Location: "http://example.org/" }]);
  assert.match((await kindOf(inspectImage(`${clear.address}/a`)))[1], /without TLS/);
  const round = await openServer(t, () => [302, { Location: "/again" }]);
  assert.match((await kindOf(inspectImage(`${round.address}/a`)))[1], /without an end/);
});

test("a token that is no token is refused", async (t) => {
  for (const answer of [{ token: "a\r\nb: c" }, { token: "" }, { expires_in: 3 }, "<html>"]) {
    const auth = await openServer(t, () => [200, {}, answer]);
    const { address } = await openServer(t, () => [401, { "WWW-Authenticate": `Bearer realm="${auth.url}"` }]);
    assert.equal((await kindOf(inspectImage(`${address}/a`)))[0], "unexpected");
  }
});
