import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { networkSettings } from "../../../simulator/hosts/network.ts";
import { sshdConfig } from "../../../simulator/hosts/sshd-config.ts";
import { temporaryFolder } from "../../support/hosts.ts";

test("only how the network is reached is passed on", (t) => {
  const root = temporaryFolder(t);
  const env = {
    PIP_INDEX_URL: "https://index.example.org/simple",
    UV_SYSTEM_CERTS: "1",
    https_proxy: "http://proxy.example.org:3128",
    PIP_CERT: "/does/not/exist.pem",
    PIP_FIND_LINKS: "/opt/wheels",
    UV_CACHE_DIR: "/root/.cache/uv",
    HTTP_PROXY: "",
    VAST_API_KEY: "secret",
    PATH: "/bin",
  };
  assert.deepEqual(networkSettings(env, root), {
    PIP_INDEX_URL: "https://index.example.org/simple",
    UV_SYSTEM_CERTS: "1",
    https_proxy: "http://proxy.example.org:3128",
  });
});

test("a certificate file comes along", (t) => {
  const folder = temporaryFolder(t);
  const root = join(folder, "root");
  writeFileSync(join(folder, "ca.pem"), "certificate");
  const settings = networkSettings({ SSL_CERT_FILE: join(folder, "ca.pem") }, root);
  assert.deepEqual(settings, { UV_SYSTEM_CERTS: "1", SSL_CERT_FILE: "/etc/ssl/network/SSL_CERT_FILE.pem" });
  assert.equal(readFileSync(join(root, "etc/ssl/network/SSL_CERT_FILE.pem"), "utf8"), "certificate");
});

test("sshd sets what it is told, quoted, and takes nothing from a client", () => {
  const config = sshdConfig({ UV_INDEX: 'a="b c"', X: "y" });
  assert.match(config, /^SetEnv "UV_INDEX=a=\\"b c\\"" "X=y"$/m);
  assert.doesNotMatch(config, /AcceptEnv/);
  assert.doesNotMatch(sshdConfig({}), /SetEnv/);
});
