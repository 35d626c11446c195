import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyOf, type Call } from "../../../../components/vast/client/answer.ts";
import { isVastError, type VastError, type VastErrorKind } from "../../../../components/vast/client/errors.ts";

const read: Call = { method: "GET", path: "/api/v0/instances/7/", template: "/instances/{id}/", idempotent: true };
const destroy: Call = { ...read, method: "DELETE" };
const rent: Call = {
  method: "PUT",
  path: "/api/v0/asks/9/",
  template: "/asks/{id}/",
  idempotent: false,
  rents: true,
};

const key = { source: "VAST_API_KEY", value: "0123456789abcdef" };

function errorOf(call: Call, status: number, body: unknown): VastError {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  try {
    bodyOf(call, { status, text }, key);
  } catch (error) {
    assert.ok(isVastError(error));
    return error;
  }
  assert.fail(`${status} ${text} should be an error`);
}

test("what was found and what helps are told apart, whatever Vast says", () => {
  const { found, remedy, message } = errorOf(read, 401, { error: "auth_error", msg: "No; not this; key." });
  assert.equal(found, "GET /api/v0/instances/7/: Vast answers 401 auth_error: No; not this; key");
  assert.equal(remedy, "the key of VAST_API_KEY is refused: put a valid one there");
  assert.equal(message, `${found}; ${remedy}`);
});

const gateway = "<html><head><style>p{}</style></head><body><h1>502 Bad Gateway</h1></body></html>";
const notAvailable = "<html>503: the service is not available</html>";

const cases: [name: string, call: Call, status: number, body: unknown, kind: VastErrorKind][] = [
  ["a refused key", read, 401, { success: false, error: "auth_error", msg: "Invalid user key" }, "auth"],
  ["a refused key as 404", read, 404, { success: false, error: "auth_error", msg: "Invalid user key" }, "auth"],
  ["a refused key as 404 when destroying", destroy, 404, { error: "auth_error", msg: "no" }, "auth"],
  ["an expired session", read, 404, { msg: "Session has expired, log in again" }, "auth"],
  ["a page for 401", read, 401, "<html>no</html>", "auth"],
  ["a renting 401", rent, 401, { error: "auth_error" }, "auth"],
  ["no such instance", destroy, 404, { success: false, error: "no_such_instance", msg: "gone" }, "no_such_instance"],
  ["not_found", destroy, 404, { success: false, error: "not_found" }, "no_such_instance"],
  ["a bare 404 is not gone", destroy, 404, "", "server"],
  ["a 404 page is not gone", read, 404, "<html>not found</html>", "server"],
  ["a 404 in other words is not gone", read, 404, { error: "invalid_id", msg: "what?" }, "invalid"],
  ["the retired list", read, 410, { success: false, error: "deprecated_endpoint", msg: "use v1" }, "invalid"],
  ["offer gone, 404", rent, 404, { error: "invalid_args", msg: "error 404/3603: no_such_ask" }, "offer_gone"],
  ["offer gone, 410", rent, 410, { error: "no_such_ask", msg: "error 410/3907: no longer available." }, "offer_gone"],
  ["offer gone, 400", rent, 400, { error: "invalid_args", msg: "error 400: no_such_ask gone" }, "offer_gone"],
  ["offer gone, 409", rent, 409, { msg: "already rented" }, "offer_gone"],
  ["offer gone, 200", rent, 200, { success: false, error: "no_such_ask", msg: "is not available" }, "offer_gone"],
  ["a caller's mistake", rent, 400, { error: "invalid_args", msg: "env too long" }, "invalid"],
  ["a wrong price", rent, 400, { error: "invalid_price", msg: "bid outside range" }, "invalid"],
  ["no credit", rent, 400, { error: "insufficient_credit", msg: "see billing" }, "no_credit"],
  ["no billing", read, 400, { error: "missing_billing" }, "no_credit"],
  ["a spending limit", rent, 400, { error: "spend_rate_limit", msg: "new account" }, "spend_limit"],
  ["a foreign machine", rent, 403, { error: "invalid_args", msg: "offer is not your own" }, "forbidden"],
  ["a team's ssh keys", read, 400, { error: "team_ssh_keys_not_supported" }, "forbidden"],
  ["429 in plain text", read, 429, "API requests too frequent: endpoint threshold=2.0", "rate_limited"],
  ["429 in detail", rent, 429, { detail: "API requests too frequent endpoint threshold=4.5" }, "rate_limited"],
  ["429 in msg", destroy, 429, { error: "rate_limit_exceeded", msg: "too frequent threshold=3.0" }, "rate_limited"],
  ["a gateway's page", read, 502, gateway, "server"],
  ["a gateway's page before a rental", rent, 502, gateway, "ambiguous"],
  ["words of a gateway do not mean the offer", rent, 503, notAvailable, "ambiguous"],
  ["an internal error of a rental", rent, 500, { error: "server_error", msg: "Something went wrong" }, "ambiguous"],
  ["server_error under 400", rent, 400, { error: "server_error", msg: "Something went wrong" }, "ambiguous"],
  ["an empty 200", read, 200, "", "server"],
  ["an empty 200 to a rental", rent, 200, "", "ambiguous"],
  ["a cut 200", read, 200, '{"instances":{"id":7', "server"],
  ["a cut 200 to a rental", rent, 200, '{"success":true,"new_con', "ambiguous"],
  ["a page under 200", read, 200, "<html></html>", "server"],
  ["a redirect", read, 308, "", "config"],
  ["a queued start", read, 200, { success: false, error: "resources_unavailable", msg: "queued." }, "refused"],
];

const redirected = "<html><body>307 Temporary Redirect</body></html>";

/** Answers to a rental after which something may have been rented. */
const unclear: [name: string, status: number, body: unknown][] = [
  ["information", 103, ""],
  ["nothing, 204", 204, ""],
  ["a page, 200", 200, "<html>Just a moment...</html>"],
  ["accepted", 202, { success: false, error: "invalid_args", msg: "queued" }],
  ["a failure in unknown words, 200", 200, { success: false, error: "timeout", msg: "try again" }],
  ...[300, 301, 302, 303, 304, 307, 308].map((status): [string, number, unknown] => ["a redirect", status, redirected]),
  ["a redirect in Vast's words", 308, { error: "no_such_ask", msg: "is no longer available" }],
  ["a refused key's words under a redirect", 302, { error: "auth_error", msg: "Invalid user key" }],
  ["a page, 400", 400, "<html>400 Bad Request</html>"],
  ["a page, 401", 401, "<html>no</html>"],
  ["a page, 403", 403, "<html>Forbidden</html>"],
  ["a page, 404", 404, "<html>not found</html>"],
  ["a page, 410", 410, "<html>is no longer available</html>"],
  ["a page, 429", 429, "<html>Too Many Requests</html>"],
  ["a conflict", 409, { msg: "conflict" }],
  ["404 in unknown words", 404, { error: "not_found", msg: "what?" }],
  ["400 without words", 400, {}],
  ["400 in unknown words", 400, { success: false, error: "internal", msg: "rental failed" }],
  ["a bid too low, and no id", 400, { success: false, error: "insufficient_bid", msg: "bid is too low" }],
  ["an id that cannot be read", 400, { error: "invalid_args", msg: "bid too low", new_contract: "4711" }],
  ...[405, 407, 408, 411, 413, 417, 421, 425, 431, 499].map((status): [string, number, unknown] => [
    "a proxy's words",
    status,
    { error: "invalid_request", message: "refused" },
  ]),
  ...[500, 502, 504, 520, 522, 524, 525, 527].map((status): [string, number, unknown] => [
    "a gateway's words",
    status,
    { error: "no_such_ask", msg: "is not available" },
  ]),
];

for (const [name, status, body] of unclear) {
  test(`${name}, ${status}: a rental is settled by its label`, () => {
    const { kind, message } = errorOf(rent, status, body);
    assert.equal(kind, "ambiguous");
    if (status >= 300 && status < 400) assert.match(message, /write the final address in apiUrl$/);
  });
}

for (const [name, call, status, body, kind] of cases) {
  test(`reads ${name} as ${kind}`, () => {
    assert.equal(errorOf(call, status, body).kind, kind);
  });
}

test("a good answer is its body", () => {
  assert.deepEqual(bodyOf(read, { status: 200, text: '{"success":true,"x":1}' }, key), { success: true, x: 1 });
  assert.deepEqual(bodyOf(read, { status: 200, text: "[]" }, key), []);
});

test("tells the interval of each 429", () => {
  const seconds = (body: unknown) => errorOf(rent, 429, body).thresholdSeconds;
  assert.equal(seconds("API requests too frequent: endpoint threshold=2.0"), 2);
  assert.equal(seconds({ detail: "API requests too frequent endpoint threshold=4.5" }), 4.5);
  assert.equal(seconds({ success: false, error: "rate_limit_exceeded", msg: "endpoint threshold=3.0" }), 3);
  assert.equal(seconds({ msg: "slow down", retry_after: 7 }), 7);
  assert.equal(seconds("API requests too frequent"), undefined);
  assert.equal(seconds({ msg: "threshold=99999999" }), undefined);
});

test("an error may carry an instance that costs money", () => {
  const error = errorOf(rent, 400, { success: false, error: "invalid_args", msg: "bid too low", new_contract: 4711 });
  assert.equal(error.newContract, 4711);
  assert.equal(errorOf(rent, 400, { error: "x", new_contract: "4711" }).newContract, undefined);
});

test("the message names method, path, Vast's words and the next step", () => {
  const { message, code } = errorOf(read, 404, { error: "auth_error", msg: "Invalid user key" });
  assert.equal(
    message,
    "GET /api/v0/instances/7/: Vast answers 404 auth_error: Invalid user key; the key of VAST_API_KEY is refused: put a valid one there",
  );
  assert.equal(code, "auth_error");
});

test("the message is one printable line, whatever Vast says", () => {
  const { message } = errorOf(read, 400, { msg: "a\u001b[31mred\u001b[0m\r\n\u0007b\u202ec" });
  assert.match(message, /: ared b c$/);
  assert.match(errorOf(read, 502, gateway).message, /Vast answers 502: 502 Bad Gateway$/);
});

test("the message holds no key, even when Vast repeats it", () => {
  const error = errorOf(read, 401, { error: "auth_error", msg: `Invalid user key ${key.value}` });
  assert.ok(!String(error.stack).includes(key.value));
});
