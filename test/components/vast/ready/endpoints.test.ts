import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoints } from "../../../../components/vast/ready/endpoints.ts";
import { instance } from "../../../support/rows.ts";

test("a running instance has a direct port and a relay", () => {
  assert.deepEqual(endpoints(instance()), {
    direct: { host: "203.0.113.42", port: 41685, via: "direct" },
    proxy: { host: "ssh5.vast.ai", port: 15926, via: "proxy" },
  });
});

test("the relay of a notebook is one port up", () => {
  assert.equal(endpoints(instance({ image_runtype: "jupyter_direc ssh_proxy" })).proxy?.port, 15927);
});

test("what is not published is not there", () => {
  assert.deepEqual(endpoints(instance({ ports: null, ssh_host: null })), {});
  assert.equal(endpoints(instance({ ssh_port: null })).proxy, undefined);
});

const hostile = [
  "-oProxyCommand=touch /tmp/x",
  "host;touch x",
  "a b",
  "user@host",
  "$(id)",
  "ho\u0000st",
  "",
  ".",
  "a..b",
  "-a.b",
  "a.-b",
  "x".repeat(300),
  "fe80::1%eth0",
];

for (const host of hostile) {
  test(`${JSON.stringify(host.slice(0, 30))} is no host`, () => {
    assert.deepEqual(endpoints(instance({ public_ipaddr: host, ssh_host: host })), {});
  });
}

test("ports are whole numbers from 1 to 65535", () => {
  for (const port of ["0", "65536", "-1", "1.5", "22; id", "", null]) {
    assert.equal(endpoints(instance({ ports: { "22/tcp": [{ HostPort: port }] } })).direct, undefined, String(port));
  }
});

test("addresses of both kinds are hosts", () => {
  for (const host of ["127.0.0.1", "2001:db8::1", "localhost", "ssh5.vast.ai"]) {
    assert.equal(endpoints(instance({ public_ipaddr: host })).direct?.host, host);
  }
});
