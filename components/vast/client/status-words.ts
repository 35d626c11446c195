import { oneLine } from "../../lib/text.ts";

/**
 * Reads `status_msg`: what Docker and the host's daemon say while an instance comes up. They say it once and never report
 * an end. Every pattern is bounded, so that a long text takes time in proportion to its length.
 */

/** Why an image cannot be pulled: no such image, none for this platform, no access, or too many pulls. */
export type ImageTrouble = "none" | "unfit" | "denied" | "limited";

/** What a message complains about, and the line that says so, whole and without control characters. */
export type Complaint =
  | { readonly about: ImageTrouble; readonly line: string }
  /** This host cannot do it. */
  | { readonly about: "host"; readonly line: string }
  /** An error of which nobody here knows whether it stays. */
  | { readonly about: "unknown"; readonly line: string };

/** The most serious complaint: about the image, the host, or unknown; undefined = progress of a normal start. */
export function complaintIn(message: string): Complaint | undefined {
  const lines = linesOf(message);
  // A registry whose answer was cut off has refused nothing.
  const isCut = lines.some((line) => CUT.test(line));
  const image = first(lines, imageTroubleIn);
  if (image !== undefined) return isCut ? { ...image, about: "host" } : image;
  return first(lines, (line) => (isHosts(line) ? "host" : undefined)) ?? first(lines, unknownIn);
}

/** The message without the progress lines of a normal start. */
export function wordsOf(message: string): string {
  return linesOf(message).join(" ");
}

function linesOf(message: string): string[] {
  const lines = message.split(/[\r\n]+/).map((line) => oneLine(line, Number.POSITIVE_INFINITY));
  return lines.filter((line) => line !== "" && !isProgress(line));
}

function first<About extends Complaint["about"]>(
  lines: readonly string[],
  aboutOf: (line: string) => About | undefined,
): { readonly about: About; readonly line: string } | undefined {
  for (const line of lines) {
    const about = aboutOf(line);
    if (about !== undefined) return { about, line };
  }
  return undefined;
}

const PROGRESS = [
  // What a build prints, which may be any word.
  /^#\d+ (?!error\b)/i,
  /^step \d+\/\d+ ?:/i,
  /^[0-9a-f]{6,64}: (pulling fs layer|waiting|downloading|download complete|verifying checksum|extracting|pull complete|already exists)/i,
  /\bretrying in \d+ seconds?/i,
  /(^|: )pulling from \S+$/i,
  /^success, running /i,
];

function isProgress(line: string): boolean {
  return PROGRESS.some((pattern) => pattern.test(line));
}

const CUT =
  /connection (reset|refused|timed out|lost)|broken pipe|unexpected eof|: eof\b|i\/o timeout|tls handshake timeout|deadline exceeded|client\.timeout|no route to host|network is unreachable|no such host|temporary failure|server misbehaving|short read|stream error/i;

/** A registry counts the pulls of an address: another host may still have some. */
const LIMITED = /toomanyrequests|too many requests|pull rate limit|rate limit exceeded/i;
const UNFIT =
  /no matching manifest for|no match for platform|does not (provide|match) the specified platform|image operating system|cannot be used on this platform|exec format error|unsupported (manifest )?media type|unsupported manifest/i;
const NONE =
  /manifest for \S{1,600} not found|manifest unknown|manifest_unknown|name unknown|name_unknown|blob unknown|failed to resolve reference .{1,1600}: not found|invalid reference format|repository name must be|no such image/i;
const DENIED = [
  /pull access denied|repository does not exist|requested access to the resource is denied|may require 'docker login'/i,
  /unauthorized: |authentication required|authorization failed|unauthenticated|no basic auth credentials|insufficient_scope|incorrect username or password/i,
  // A whole clause: other programs also say that clients, files and machines are denied something.
  /(^|: |")\s*(denied|unauthorized|forbidden)\s*([:"(]|\.?$)/i,
  /(^|: ?|status|status code|http)\s*40[13] (unauthorized|forbidden)/i,
];
/** A refusal of the host's own machine, by Vast. */
const OF_THE_MACHINE = /secrets fetch failed|machine authentication/i;

function imageTroubleIn(line: string): ImageTrouble | undefined {
  if (OF_THE_MACHINE.test(line)) return undefined;
  if (LIMITED.test(line)) return "limited";
  if (UNFIT.test(line)) return "unfit";
  if (NONE.test(line)) return "none";
  return DENIED.some((pattern) => pattern.test(line)) ? "denied" : undefined;
}

const HOSTS = [
  OF_THE_MACHINE,
  // Docker
  /error response from daemon|cannot connect to the docker daemon|docker\.sock|containerd\.sock|docker_build\(\)|failed to (resolve reference|register layer|pull image|copy|extract layer|start containers|create (task|shim|endpoint|container)|set up container)/i,
  /unexpected eof|no space left on device|disk quota exceeded|read-only file system|download failed after attempts|error writing dockerfile|filesystem layer verification failed/i,
  // The container runtime and NVIDIA's part of it
  /oci runtime (create|exec)|could not select device driver|unknown runtime|nvidia-container-(cli|runtime)|libnvidia|nvml|cdi devices?\b|driver\/library version mismatch|fallen off the bus|unknown runtime specified/i,
  // Vast's daemon
  /gpu error|unable to start instance|(does not|doesn't) support vms|incompatible with vms|error: internal error|container is mounted|out-of-memory-check|unable to complete/i,
];

function isHosts(line: string): boolean {
  return HOSTS.some((pattern) => pattern.test(line));
}

/** How far into a line "error" may stand and still name an error: times, names and ids come before it. */
const PREFIX = 80;

function unknownIn(line: string): "unknown" | undefined {
  return /(^|[\s\]:>)"])(fatal )?error(:|\s*$|\s+\S)/i.test(line.slice(0, PREFIX)) ? "unknown" : undefined;
}

const ADVICE: Readonly<Record<ImageTrouble, string>> = {
  none: "its registry has no image of that name, or not this tag; set image to one that exists",
  unfit:
    "it is not made for such machines (linux/amd64), or in a form that their Docker does not take; build it for them",
  denied: "it is private and needs a login that may read it (registryUser), or there is none of that name",
  limited:
    "its registry allows this host no more pulls for now; when others fare no better, try again in some hours, or set image to a copy in another registry",
};

/** "image a/b:c cannot be pulled: its registry has no …" and what Docker said. */
export function imageTroubleText(image: string | null, trouble: ImageTrouble, said: string): string {
  return `image ${image ?? "of unknown name"} cannot be pulled: ${ADVICE[trouble]} (Docker: ${said})`;
}
