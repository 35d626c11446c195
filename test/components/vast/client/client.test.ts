import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { send as ask } from "../../../../components/registry/transport.ts";
import { VastClient } from "../../../../components/vast/client/client.ts";
import { isVastError, type VastErrorKind } from "../../../../components/vast/client/errors.ts";
import { Gates } from "../../../../components/vast/client/pacing.ts";
import type { RentOrder } from "../../../../components/vast/client/requests.ts";
import { noAnswer, send } from "../../../../components/vast/client/transport.ts";
import { instanceRow, offerRow } from "../../../support/rows.ts";
import { type Exchange, scriptedApi } from "../../../support/scripted-api.ts";
import { freePort } from "../../../support/sshd.ts";

const order: RentOrder = {
  image: "japhba/cot-oracle",
  label: "vt-abc",
  diskGb: 150,
  bidPerHour: 1.8,
  env: { A: "1" },
  onstart: "true",
};

const RENT = "PUT /api/v0/asks/9/";
const GET = "GET /api/v0/instances/7/";
const DESTROY = "DELETE /api/v0/instances/7/";
const LIST = "GET /api/v1/instances/";

const ok = (ask: string, body: unknown): Exchange => ({ ask, answer: { body } });
const status = (ask: string, code: number, body: unknown = ""): Exchange => ({ ask, answer: { status: code, body } });
const reset = (ask: string): Exchange => ({ ask, answer: "reset" });
const kind =
  (...kinds: VastErrorKind[]) =>
  (error: unknown) =>
    isVastError(error, ...kinds);

test("rents as an interruptible bid, with both ssh endpoints, or not at all", async (t) => {
  const api = await scriptedApi(t, ok(RENT, { success: true, new_contract: 7, instance_api_key: "secret" }));
  assert.equal(await api.client.rent(9, order), 7);
  assert.equal(api.asked[0]?.authorization, "Bearer the-key");
  assert.deepEqual(api.asked[0]?.body, {
    client_id: "me",
    image: "japhba/cot-oracle",
    label: "vt-abc",
    disk: 150,
    env: { A: "1" },
    onstart: "true",
    runtype: "ssh_direc ssh_proxy",
    price: 1.8,
    target_state: "running",
    cancel_unavail: true,
  });
});

const unclear: [name: string, answer: Exchange][] = [
  ["a reset", reset(RENT)],
  ["a gateway's page", status(RENT, 502, "<html>502</html>")],
  ["an internal error", status(RENT, 500, { success: false, error: "server_error", msg: "Something went wrong" })],
  ["an empty answer", status(RENT, 200, "")],
  ["a cut answer", status(RENT, 200, '{"success":true,"new_c')],
  ["success without an id", ok(RENT, { success: true })],
];

for (const [name, answer] of unclear) {
  test(`${name} to a rental is ambiguous and never sent again`, async (t) => {
    const api = await scriptedApi(t, answer);
    await assert.rejects(api.client.rent(9, order), kind("ambiguous"));
    assert.equal(api.asked.length, 1);
  });
}

test("a 429 was no rental, so it is sent again after the interval", async (t) => {
  const tooFast = status(RENT, 429, { detail: "API requests too frequent endpoint threshold=4.5" });
  const api = await scriptedApi(t, tooFast, ok(RENT, { success: true, new_contract: 7 }));
  assert.equal(await api.client.rent(9, order), 7);
  assert.equal(api.slept(), 4600);
});

test("a 429 is waited out for as long as Retry-After says, in seconds or as a date", async (t) => {
  const now = Date.UTC(2026, 8, 1);
  for (const header of ["7", new Date(now + 7000).toUTCString()]) {
    const headers = { "Retry-After": header };
    const body = { detail: "API requests too frequent endpoint threshold=1.0" };
    const api = await scriptedApi(t, { ask: LIST, answer: { status: 429, headers, body } }, page([], 0, null));
    let slept = 0;
    const sleep = async (milliseconds: number) => {
      slept += milliseconds;
    };
    const gates = new Gates(() => now + slept, sleep);
    const options = { gates, sleep, random: () => 0, now: () => now };
    const client = new VastClient({ url: api.url, key: () => "the-key", keySource: "a test" }, options);
    assert.deepEqual(await client.instances(), []);
    assert.equal(slept, 7100);
  }
});

test("a wait that nobody sits out is said at once, and the next call waits a minute of it", async (t) => {
  const tooFast = (after: string): Exchange => ({
    ask: DESTROY,
    answer: { status: 429, headers: { "Retry-After": after }, body: "API requests too frequent" },
  });
  const api = await scriptedApi(t, tooFast("61"), tooFast("60"), ok(DESTROY, { success: true }));
  await assert.rejects(api.client.destroy(7), (error) => {
    assert.ok(isVastError(error, "rate_limited"));
    assert.match(error.message, /too frequent; it asks to wait 61 s$/);
    return true;
  });
  assert.equal(api.slept(), 0);
  assert.equal(await api.client.destroy(7), true);
  assert.equal(api.slept(), 60_100 + 60_100);
});

test("a signal ends a wait: nothing more leaves, whether it waited for its turn or after a 429", async (t) => {
  const limited = status("POST /api/v0/bundles/", 429, "API requests too frequent: endpoint threshold=30");
  const api = await scriptedApi(t, status(RENT, 429, "API requests too frequent: endpoint threshold=30"), limited);
  for (const call of ["rent", "searchOffers"] as const) {
    const off = new AbortController();
    const slept: number[] = [];
    const never = (milliseconds: number, signal?: AbortSignal): Promise<void> => {
      slept.push(milliseconds);
      queueMicrotask(() => off.abort());
      return new Promise((done) => signal?.addEventListener("abort", () => done()));
    };
    const gates = new Gates(() => 0, never);
    const client = new VastClient(
      { url: api.url, key: () => "the-key", keySource: "a test" },
      { gates, sleep: never, random: () => 0 },
    );
    const { signal } = off;
    const ask = () => (call === "rent" ? client.rent(9, order, { signal }) : client.searchOffers({}, { signal }));
    await assert.rejects(ask(), kind("aborted"));
    await assert.rejects(ask(), kind("aborted"), "its turn is half a minute away, and it does not wait for it");
    assert.deepEqual(slept, [30_100]);
  }
});

test("an offer that is gone, a lack of credit and a refused key end a rental at once", async (t) => {
  const api = await scriptedApi(
    t,
    status(RENT, 400, { error: "invalid_args", msg: "error 404/3603: no_such_ask" }),
    status(RENT, 400, { error: "insufficient_credit", msg: "no" }),
    status(RENT, 404, { error: "auth_error", msg: "Invalid user key" }),
  );
  await assert.rejects(api.client.rent(9, order), kind("offer_gone"));
  await assert.rejects(api.client.rent(9, order), kind("no_credit"));
  await assert.rejects(api.client.rent(9, order), kind("auth"));
});

test("an error that made an instance tells its id", async (t) => {
  const api = await scriptedApi(t, status(RENT, 400, { success: false, error: "bid_too_low", new_contract: 7 }));
  await assert.rejects(api.client.rent(9, order), (error) => isVastError(error) && error.newContract === 7);
});

test("a rental that was called off does not leave, and neither does its repetition", async (t) => {
  const before = await scriptedApi(t);
  await assert.rejects(before.client.rent(9, order, { mayLeave: async () => false }), kind("aborted"));
  const off = new AbortController();
  const api = await scriptedApi(t, status(RENT, 429, "API requests too frequent: endpoint threshold=4.5"));
  const client = new VastClient(
    { url: api.url, key: () => "the-key", keySource: "a test" },
    { sleep: async () => off.abort(), random: () => 0 },
  );
  await assert.rejects(client.rent(9, order, { mayLeave: async () => !off.signal.aborted }), kind("aborted"));
});

test("what Vast would refuse is refused before it is sent", async (t) => {
  const api = await scriptedApi(t);
  await assert.rejects(api.client.rent(9, { ...order, onstart: "x".repeat(4001) }), kind("invalid"));
  await assert.rejects(api.client.rent(9, { ...order, env: { A: "x".repeat(33_000) } }), kind("invalid"));
});

test("a host that refuses connections was never asked, also for a rental", async (t) => {
  const api = await scriptedApi(t);
  const port = await freePort();
  let now = 0;
  const sleep = async (milliseconds: number) => {
    now += milliseconds;
  };
  const client = new VastClient(
    { url: `http://127.0.0.1:${port}`, key: () => "k", keySource: "a test" },
    { gates: new Gates(() => now, sleep), sleep, random: () => 0 },
  );
  await assert.rejects(client.rent(9, order), kind("unreachable"));
  await assert.rejects(client.account(), kind("unreachable"));
  assert.equal(api.asked.length, 0);
});

test("reads are repeated through resets, pages and cut answers", async (t) => {
  const good = ok(GET, { instances: instanceRow({ id: 7 }) });
  const api = await scriptedApi(t, reset(GET), status(GET, 503, "<html/>"), status(GET, 200, '{"instan'), good);
  assert.equal((await api.client.instance(7))?.id, 7);
});

test("reads give up after the fourth failure", async (t) => {
  const api = await scriptedApi(t, ...Array.from({ length: 4 }, () => status(GET, 502, "<html/>")));
  await assert.rejects(api.client.instance(7), kind("server"));
});

test("only a positive answer says that an instance is gone", async (t) => {
  const notFound = { success: false, error: "no_such_instance", msg: "no" };
  const api = await scriptedApi(
    t,
    ok(GET, { instances: null }),
    ok(GET, { instances: [] }),
    status(GET, 404, notFound),
    ok(GET, { instances: [instanceRow({ id: 7 })] }),
    status(GET, 404, { error: "auth_error" }),
  );
  assert.equal(await api.client.instance(7), undefined);
  assert.equal(await api.client.instance(7), undefined);
  assert.equal(await api.client.instance(7), undefined);
  assert.equal((await api.client.instance(7))?.id, 7);
  await assert.rejects(api.client.instance(7), kind("auth"));
});

for (const body of [{}, { instances: {} }, { instances: instanceRow({ id: 8 }) }, null, "nonsense"]) {
  test(`${JSON.stringify(body).slice(0, 40)} is not an instance and not its absence`, async (t) => {
    const answers = Array.from({ length: 4 }, () =>
      status(GET, 200, typeof body === "string" ? body : JSON.stringify(body)),
    );
    const api = await scriptedApi(t, ...(body === "nonsense" ? answers : answers.slice(0, 1)));
    await assert.rejects(api.client.instance(7), kind("server"));
  });
}

test("destroying what is gone is success, destroying without a key is not", async (t) => {
  const api = await scriptedApi(
    t,
    ok(DESTROY, { success: true }),
    status(DESTROY, 404, { success: false, error: "no_such_instance" }),
    status(DESTROY, 404, { success: false, error: "auth_error" }),
  );
  await api.client.destroy(7);
  await api.client.destroy(7);
  await assert.rejects(api.client.destroy(7), kind("auth"));
});

test("destroying insists through 429 and 5xx", async (t) => {
  const tooFast = status(DESTROY, 429, { error: "rate_limit_exceeded", msg: "too frequent endpoint threshold=3.0" });
  const api = await scriptedApi(t, tooFast, status(DESTROY, 500, ""), ok(DESTROY, { success: true }));
  await api.client.destroy(7);
});

const page = (ids: number[], total: number, next: string | null): Exchange =>
  ok(LIST, {
    success: true,
    total_instances: total,
    instances_found: ids.length,
    next_token: next,
    instances: ids.map((id) => instanceRow({ id, label: id === 3 ? "mine" : "x" })),
  });

test("the list is read to its last page", async (t) => {
  const api = await scriptedApi(t, page([1, 2], 3, "t1"), page([3], 3, null));
  assert.deepEqual(
    (await api.client.instances()).map(({ id }) => id),
    [1, 2, 3],
  );
  assert.deepEqual(
    api.asked.map(({ query }) => query.get("after_token")),
    [null, "t1"],
  );
  assert.equal(api.asked[0]?.query.get("limit"), "25");
});

test("labels are compared exactly, on our side", async (t) => {
  const api = await scriptedApi(t, page([1, 2, 3], 3, null), page([1, 2, 3], 3, null));
  assert.deepEqual(
    (await api.client.instances({ label: "mine" })).map(({ id }) => id),
    [3],
  );
  assert.deepEqual(await api.client.instances({ label: "min" }), []);
});

test("an empty account has an empty list", async (t) => {
  const api = await scriptedApi(t, page([], 0, null));
  assert.deepEqual(await api.client.instances(), []);
});

test("a list that lacks rows is read once more, then incomplete", async (t) => {
  const better = await scriptedApi(t, page([1], 2, null), page([1, 2], 2, null));
  assert.equal((await better.client.instances()).length, 2);
  const api = await scriptedApi(t, page([1], 2, null), page([1], 2, null));
  await assert.rejects(api.client.instances(), kind("incomplete"));
});

test("a page that is gone begins the list again", async (t) => {
  const stale = status(LIST, 400, { success: false, error: "invalid_token", msg: "invalid after_token" });
  const api = await scriptedApi(t, page([1, 2], 3, "t"), stale, page([2, 3], 2, null));
  assert.deepEqual(
    (await api.client.instances()).map(({ id }) => id),
    [2, 3],
  );
});

test("a list in circles is incomplete", async (t) => {
  const api = await scriptedApi(t, page([1], 9, "t"), page([2], 9, "t"));
  await assert.rejects(api.client.instances(), kind("incomplete"));
});

const noLists: [name: string, answer: Exchange, kind: VastErrorKind][] = [
  ["the retired list", status(LIST, 410, { success: false, error: "deprecated_endpoint", msg: "use v1" }), "invalid"],
  ["a refused key", status(LIST, 404, { error: "auth_error" }), "auth"],
  ["success:false", ok(LIST, { success: false, msg: "no" }), "refused"],
  ["an object without rows", ok(LIST, {}), "server"],
  ["a row without an id", ok(LIST, { instances: [{ label: "x" }], total_instances: 1 }), "server"],
];

for (const [name, answer, expected] of noLists) {
  test(`${name} is never an empty list`, async (t) => {
    const api = await scriptedApi(t, answer);
    await assert.rejects(api.client.instances(), kind(expected));
  });
}

test("rows without a count are no whole list", async (t) => {
  const api = await scriptedApi(t, ok(LIST, { instances: [] }), ok(LIST, { instances: [] }));
  await assert.rejects(api.client.instances(), kind("incomplete"));
});

test("states, labels and bids are put", async (t) => {
  const put = "PUT /api/v0/instances/7/";
  const api = await scriptedApi(
    t,
    ok(put, { success: true }),
    ok(put, { success: true }),
    ok("PUT /api/v0/instances/bid_price/7/", { success: true }),
    ok("POST /api/v0/instances/7/ssh/", { success: true }),
    ok(put, { success: false, error: "resources_unavailable", msg: "state change queued." }),
  );
  await api.client.setState(7, "stopped");
  await api.client.setLabel(7, "x");
  await api.client.changeBid(7, 1.5);
  await api.client.attachKey(7, "ssh-ed25519 AAAA me");
  assert.deepEqual(
    api.asked.map(({ body }) => body),
    [{ state: "stopped" }, { label: "x" }, { client_id: "me", price: 1.5 }, { ssh_key: "ssh-ed25519 AAAA me" }],
  );
  await assert.rejects(
    api.client.setState(7, "running"),
    (error) => isVastError(error, "refused") && error.code === "resources_unavailable",
  );
});

test("offers that cannot be read are left out, an answer without offers is none", async (t) => {
  const search = "POST /api/v0/bundles/";
  const api = await scriptedApi(t, ok(search, { offers: [offerRow(), { id: 1 }, "x"] }), ok(search, { success: true }));
  assert.equal((await api.client.searchOffers({ limit: 64 })).length, 1);
  await assert.rejects(api.client.searchOffers({}), kind("server"));
});

test("the account and the names of GPUs", async (t) => {
  const api = await scriptedApi(
    t,
    ok("GET /api/v0/users/current/", { id: 1, email: "a@b.c", credit: 3.5, api_key: "secret" }),
    ok("GET /api/v0/gpu_names/unique/", { gpu_names: ["H100 SXM"] }),
  );
  assert.deepEqual(await api.client.account(), { id: "1", email: "a@b.c", credit: 3.5 });
  assert.deepEqual(await api.client.gpuNames(), ["H100 SXM"]);
});

test("a key is registered once, whatever its comment", async (t) => {
  const keys = "/api/v0/ssh/";
  const api = await scriptedApi(
    t,
    status(`GET ${keys}`, 404, { success: false, error: "no_ssh_key", msg: "none" }),
    ok(`POST ${keys}`, { success: true, key: { id: 1 } }),
    ok(`GET ${keys}`, [{ id: 1, public_key: "ssh-ed25519 AAAA there" }]),
  );
  await api.client.registerKey("ssh-ed25519 AAAA here");
  await api.client.registerKey("ssh-ed25519 AAAA elsewhere");
  assert.deepEqual(api.asked[1]?.body, { ssh_key: "ssh-ed25519 AAAA here" });
});

test("logs are fetched from where Vast puts them, without the key, once they are there", async (t) => {
  const ask = "PUT /api/v0/instances/request_logs/7/";
  const files = await scriptedApi(
    t,
    status("GET /log", 403, "not yet"),
    status("GET /log", 200, "one\u001b[31m\r\n  two\n"),
  );
  const api = await scriptedApi(t, ok(ask, { success: true, result_url: `${files.url}/log` }));
  assert.equal(await api.client.logs(7, { tail: 5, daemon: true }), "one\n  two\n");
  assert.deepEqual(api.asked[0]?.body, { tail: "5", daemon_logs: "true" });
  assert.equal(files.asked[0]?.authorization, undefined);
});

test("a redirect is not followed, and the key goes nowhere else", async (t) => {
  const other = await scriptedApi(t);
  const api = await scriptedApi(t, { ask: GET, answer: { status: 308, headers: { location: `${other.url}/` } } });
  await assert.rejects(api.client.instance(7), kind("config"));
  assert.equal(other.asked.length, 0);
});

for (const status of [301, 302, 307, 308]) {
  test(`a ${status} to a rental is unclear, is not followed, and the key goes nowhere else`, async (t) => {
    const other = await scriptedApi(t);
    const headers = { location: `${other.url}/api/v0/asks/9/` };
    const api = await scriptedApi(t, { ask: RENT, answer: { status, headers, body: "" } });
    await assert.rejects(api.client.rent(9, order), kind("ambiguous"));
    assert.deepEqual([api.asked.length, other.asked.length], [1, 0]);
  });
}

test("a host that becomes unreachable after a rental was sent is no host that was never reached", () => {
  const call = { method: "PUT", path: "/", template: "/asks/{id}/", idempotent: false, rents: true } as const;
  for (const code of ["EHOSTUNREACH", "ENETUNREACH"]) {
    assert.equal(noAnswer(call, "https://vast.test", code).kind, "unreachable");
    assert.equal(noAnswer(call, "https://vast.test", code, true).kind, "ambiguous");
  }
});

test("an authority that Node does not know is told, and the way that is told works", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=it"];
  execFileSync("openssl", [...words, "-addext", "subjectAltName=DNS:localhost"], { stdio: "ignore" });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
    response.end("{}"),
  );
  await new Promise<void>((done) => server.listen(0, "localhost", done));
  t.after(() => server.close());
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const call = { method: "GET", path: "/", template: "/", idempotent: true } as const;
  const asked = await send(url, "the-key", { call }).catch((error: Error) => error);
  assert.ok(isVastError(asked, "unreachable"));
  assert.match(asked.message, /SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS.*NODE_USE_SYSTEM_CA=1/);
  const registry = await ask({ url: new URL(url), method: "GET", headers: {}, timeoutMs: 60_000 }).catch(
    (error: Error) => error,
  );
  assert.match(String(registry), /NODE_EXTRA_CA_CERTS/);
  const script = `import { send } from "./components/vast/client/transport.ts";
    const { status } = await send(process.argv[1], "k", { call: ${JSON.stringify(call)} }); console.log(status)`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, url], { env });
  assert.equal((await run).stdout.trim(), "200");
  assert.match(noAnswer(call, url, "EPROTO").message, /a proxy needs its scheme/);
});

test("no error holds the key", async (t) => {
  const api = await scriptedApi(t, status(GET, 401, { error: "auth_error", msg: "Invalid user key" }));
  await assert.rejects(api.client.instance(7), (error) => !String((error as Error).stack).includes("the-key"));
});

test("a rental that found no connection is sent again, one whose connection broke is not", async () => {
  const asked = { count: 0 };
  let now = 0;
  const sleep = async (milliseconds: number) => {
    now += milliseconds;
  };
  const clientThatMeets = (code: string) =>
    new VastClient(
      { url: "https://vast.test", key: () => "the-key", keySource: "a test" },
      {
        gates: new Gates(() => now, sleep),
        sleep,
        transport: async (url, _key, { call }) => {
          asked.count += 1;
          if (asked.count === 1) throw noAnswer(call, url, code);
          return { status: 200, text: JSON.stringify({ success: true, new_contract: 7 }) };
        },
      },
    );
  assert.equal(await clientThatMeets("ECONNREFUSED").rent(9, order), 7);
  assert.equal(asked.count, 2);
  asked.count = 0;
  await assert.rejects(clientThatMeets("ECONNRESET").rent(9, order), kind("ambiguous"));
  assert.equal(asked.count, 1);
});
