import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { keyFingerprint, openApi } from "../../../../components/vast/client/api.ts";
import { isVastError } from "../../../../components/vast/client/errors.ts";

/** A home of its own with these files, and the environment that points there. */
function home(t: TestContext, files: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "vast-api-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { dir, write, env: { HOME: dir, VAST_TRAINING_HOME: join(dir, "state") } as NodeJS.ProcessEnv };
}

const real = (apiKeyFile = "") => ({ apiUrl: "", apiKeyFile });
const kind = (wanted: "config" | "no_key", words: RegExp) => (error: unknown) =>
  isVastError(error, wanted) && words.test(error.message);

test("the real host's key: environment, config, then the official client's files", (t) => {
  const { dir, env } = home(t, {
    own: "from-own\n",
    ".config/vastai/vast_api_key": "from-config\n",
    ".vast_api_key": "from-legacy",
  });
  const key = (file: string, more: NodeJS.ProcessEnv = {}) => openApi(real(file), { ...env, ...more }).key();
  assert.equal(key(join(dir, "own"), { VAST_API_KEY: " from-env " }), "from-env");
  assert.equal(key(join(dir, "own")), "from-own");
  assert.equal(key("~/own"), "from-own");
  assert.equal(key(""), "from-config");
  assert.equal(key("", { XDG_CONFIG_HOME: join(dir, "nowhere") }), "from-legacy");
  assert.equal(openApi(real(), env).keySource, join(dir, ".config/vastai/vast_api_key"));
  assert.equal(openApi(real(), env).url, "https://console.vast.ai");
});

test("the real host by its name is still the real host", (t) => {
  const { env } = home(t, { ".vast_api_key": "k" });
  assert.equal(openApi({ apiUrl: "https://console.vast.ai/", apiKeyFile: "" }, env).key(), "k");
});

test("no key names the places to put one", (t) => {
  const { env } = home(t);
  assert.throws(
    () => openApi(real(), env),
    kind("no_key", /VAST_API_KEY.*apiKeyFile.*\/\.vast_api_key, chmod 600 \(.*vastai\/vast_api_key\)/),
  );
  assert.throws(() => openApi(real("/nowhere/key"), env), kind("no_key", /\/nowhere\/key does not exist/));
});

test("a file that holds something else is not sent, and not shown", (t) => {
  const { dir, env } = home(t, { k: "KEY=abc def", empty: "\n" });
  assert.throws(() => openApi(real(join(dir, "k")), env).key(), kind("no_key", /one word/));
  assert.throws(
    () => openApi(real(join(dir, "k")), env).key(),
    (error) => !String(error).includes("abc"),
  );
  assert.throws(() => openApi(real(join(dir, "empty")), env).key(), kind("no_key", /empty should hold/));
  assert.throws(() => openApi(real(), { ...env, VAST_API_KEY: "a\nb" }).key(), kind("no_key", /VAST_API_KEY should/));
});

test("any other host gets only an explicit key", (t) => {
  const { dir, env } = home(t, { own: "own", ".vast_api_key": "real" });
  const elsewhere = { apiUrl: "https://example.org", apiKeyFile: "" };
  assert.throws(() => openApi(elsewhere, { ...env, VAST_API_KEY: "real" }), kind("no_key", /only the real host/));
  assert.equal(openApi({ ...elsewhere, apiKeyFile: join(dir, "own") }, { ...env, VAST_API_KEY: "real" }).key(), "own");
});

for (const url of ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1", "https://example.org"]) {
  test(`${url} may be talked to`, (t) => {
    const { dir, env } = home(t, { own: "own" });
    assert.equal(openApi({ apiUrl: url, apiKeyFile: join(dir, "own") }, env).url, url);
  });
}

const wrong = [
  "http://example.org",
  "http://127.0.0.1.example.org",
  "example.org",
  "ftp://example.org",
  "https://user:hunter2@example.org",
  "https://example.org/api",
  "https://example.org?x=1",
  "simulater",
];

for (const url of wrong) {
  test(`${url} may not`, (t) => {
    const { dir, env } = home(t, { own: "own" });
    const open = () => openApi({ apiUrl: url, apiKeyFile: join(dir, "own") }, env);
    assert.throws(open, kind("config", /write "" for Vast, simulator, or a URL/));
    assert.throws(open, (error) => !String(error).includes("hunter2"));
  });
}

test("the simulator's address is read from its runtime file while it runs", (t) => {
  const { dir, write, env } = home(t, { "state/simulator/api_key": "sim-key\n" });
  const open = () => openApi({ apiUrl: "simulator", apiKeyFile: "" }, { ...env, VAST_API_KEY: "real" });
  const runtime = (fields: object) => write("state/simulator/runtime.json", JSON.stringify(fields));
  const fields = { url: "http://127.0.0.1:4711", apiKeyFile: join(dir, "state/simulator/api_key"), pid: process.pid };
  assert.throws(open, kind("config", /npm run -s simulator/));
  runtime({ ...fields, pid: 2 ** 22 + 1 });
  assert.throws(open, kind("config", /npm run -s simulator/));
  runtime({ ...fields, url: "https://example.org" });
  assert.throws(open, kind("config", /not this machine/));
  runtime(fields);
  assert.equal(open().url, "http://127.0.0.1:4711");
  assert.equal(open().key(), "sim-key");
});

test("a key is known again by its fingerprint, on any node, and not told by it", () => {
  const of = (key: string, nonce: string) => keyFingerprint({ key: () => key }, nonce);
  assert.equal(of("the-key", "0123456789"), "0123456789:e3be51dfd4d78183");
  assert.notEqual(of("the-key", "0123456789"), of("the-key", "9876543210").replace("9876543210", "0123456789"));
  assert.notEqual(of("the-key", "0123456789"), of("another", "0123456789"));
});
