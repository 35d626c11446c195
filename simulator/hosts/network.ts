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
 * How the network is reached from where this machine stands: a machine behind it has the same certificates, proxies and
 * package indexes. A certificate file that lies elsewhere than in the machine's system folders is copied into its root.
 * @param env the environment of this process
 * @param root the folder that becomes the machine's root
 */
export function networkSettings(env: NodeJS.ProcessEnv, root: string): Record<string, string> {
  // A machine has this one's certificates; uv brings its own and would not know those of a company's proxy.
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
