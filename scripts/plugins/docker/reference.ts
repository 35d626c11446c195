import { parseReference } from "../../../components/registry/reference.ts";

/** An image's name in parts; a push wants it to begin with its registry. */
export interface ImageName {
  /** host, host:port or docker.io. */
  registry: string;
  /** With the registry, without the tag. */
  repository: string;
  tag: string;
}

/** Undefined for a name that is not fully qualified, or is not one. */
export function parseName(name: string): ImageName | undefined {
  const { registry, repository: path, tag = "latest", digest } = parseReference(name) ?? {};
  const repository = `${registry}/${path}`;
  const written = name === repository || name === `${repository}:${tag}`;
  return registry !== undefined && digest === undefined && written ? { registry, repository, tag } : undefined;
}
