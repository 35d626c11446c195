export { exampleRepository } from "./example.ts";
export { prepareImages } from "./layers.ts";
export { noHosts } from "./no-hosts.ts";
export { realHosts } from "./real-hosts.ts";
export type { Host, HostSpec, Hosts, ImageVerdict, Link } from "./types.ts";
