export { noHosts } from "../no-hosts.ts";
export { exampleRepository } from "./example.ts";
export { prepareImages } from "./layers.ts";
export { realHosts } from "./real-hosts.ts";
export type { Host, HostSpec, Hosts, ImageVerdict, Link } from "./types.ts";
