import type { HostSpec } from "./types.ts";

/**
 * The environment of the container's first process and of onstart, as on Vast; ssh sessions do not get it. The
 * contract's own variables come first, so that they cannot override which machine this is.
 */
export function contractEnv(spec: HostSpec, keys: string[], directPort: number): Record<string, string> {
  return {
    ...spec.env,
    CONTAINER_ID: String(spec.id),
    CONTAINER_API_KEY: spec.instanceApiKey,
    VAST_CONTAINERLABEL: containerLabel(spec),
    PUBLIC_IPADDR: spec.publicIp,
    VAST_TCP_PORT_22: String(directPort),
    GPU_COUNT: String(spec.gpus),
    DATA_DIRECTORY: "/workspace",
    SSH_PUBLIC_KEY: keys.join("\n"),
  };
}

export function containerLabel({ id }: HostSpec): string {
  return `C.${id}`;
}
