/** An image's name in parts, as it has to be written for a push: with its registry first. */
export interface ImageName {
  /** host, host:port or docker.io. */
  registry: string;
  /** With the registry, without the tag. */
  repository: string;
  tag: string;
}

const path = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const form = new RegExp(
  `^(?<repository>(?<registry>[a-zA-Z0-9.-]+(?::\\d+)?|\\[[0-9a-fA-F:]+\\](?::\\d+)?)/${path}(?:/${path})*)(?::(?<tag>\\w[\\w.-]{0,127}))?$`,
);

/** Undefined for a name that is not fully qualified, or is not one. */
export function parseName(name: string): ImageName | undefined {
  const { registry = "", repository = "", tag = "latest" } = form.exec(name)?.groups ?? {};
  const hasRegistry = /[.:]/.test(registry) || registry === "localhost";
  // Docker Hub's short names have an owner that is left out.
  const whole = registry !== "docker.io" || repository.split("/").length > 2;
  return hasRegistry && whole && registry !== "index.docker.io" ? { registry, repository, tag } : undefined;
}
