/** An image's name, taken apart by Docker's rules. */
export interface ImageReference {
  /** As it was written. */
  readonly text: string;
  /** host or host:port; `docker.io` where none is written. */
  readonly registry: string;
  /** Below the registry: `library/ubuntu`, `japhba/cot-oracle`. */
  readonly repository: string;
  /** `latest` where neither a tag nor a digest is written; undefined where only a digest is. */
  readonly tag: string | undefined;
  /** `sha256:…`; it decides where there is a tag as well. */
  readonly digest: string | undefined;
}

export const HUB = "docker.io";

const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${part}(?:/${part})*$`);
const REGISTRY =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const REST = /^(?<path>[^:@]*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;
const LONGEST = 255;

/** Undefined = not a possible name. */
export function parseReference(text: string): ImageReference | undefined {
  const [first = "", ...others] = text.split("/");
  const named = others.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const registry = named ? (isHub(first) ? HUB : first) : HUB;
  const groups = REST.exec(named ? others.join("/") : text)?.groups;
  const path = groups?.path ?? "";
  const repository = registry === HUB && !path.includes("/") ? `library/${path}` : path;
  if (!groups || !REGISTRY.test(registry) || !REPOSITORY.test(path) || repository.length > LONGEST) return undefined;
  const digest = groups.digest;
  return { text, registry, repository, tag: groups.tag ?? (digest ? undefined : "latest"), digest };
}

/** Docker Hub's registry goes by several names. */
function isHub(host: string): boolean {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host);
}

/** The image by its digest: a name that never means another image, with the spelling kept. */
export function pinned({ text }: ImageReference, digest: string): string {
  const name = text.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
  return `${name}@${digest}`;
}

/** With the registry and a tag, as a push and @pulumi/docker want it. */
export function qualified({ registry, repository, tag }: ImageReference): string {
  return `${registry}/${repository}:${tag ?? "latest"}`;
}
