import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

/** Settings that name a file of certificates. */
const files = ["SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"];

const values = [
  "PIP_INDEX_URL",
  "PIP_EXTRA_INDEX_URL",
  "PIP_TRUSTED_HOST",
  "PIP_PROXY",
  "PIP_DEFAULT_TIMEOUT",
  "PIP_RETRIES",
  "UV_DEFAULT_INDEX",
  "UV_INDEX",
  "UV_INDEX_URL",
  "UV_EXTRA_INDEX_URL",
  "UV_INDEX_STRATEGY",
  "UV_INSECURE_HOST",
  "UV_SYSTEM_CERTS",
  "UV_NATIVE_TLS",
  "UV_HTTP_TIMEOUT",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "all_proxy",
  "no_proxy",
];

/**
 * Variables for a simulated machine to reach the network as this computer does: the same certificates, proxies and
 * package indexes. A certificate file outside the system folders is copied into the machine's root.
 * @param env the environment of this process
 * @param root the folder that becomes the machine's root
 */
export function networkSettings(env: NodeJS.ProcessEnv, root: string): Record<string, string> {
  // uv's own certificates would lack those of a company's proxy; the system's, copied from this computer, have them.
  const settings: Record<string, string> = { UV_SYSTEM_CERTS: "1" };
  for (const name of values) {
    const value = env[name];
    if (value) settings[name] = value;
  }
  for (const name of files) {
    const file = env[name];
    if (file && existsSync(file)) settings[name] = insideOf(root, name, file);
  }
  return settings;
}

function insideOf(root: string, name: string, file: string): string {
  if (file.startsWith("/etc/ssl/certs/")) return file;
  const inside = join("/etc/ssl/network", `${name}.pem`);
  mkdirSync(join(root, "etc/ssl/network"), { recursive: true });
  copyFileSync(file, join(root, inside));
  return inside;
}
