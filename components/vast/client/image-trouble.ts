/** Docker's words for an image that no machine will get. They are said once, and an end is never reported. */
const NO_IMAGE =
  /manifest for .* not found|manifest unknown|failed to resolve reference .*not found|invalid reference format/i;
const NO_ACCESS =
  /pull access denied|repository does not exist|unauthorized: authentication required|authorization failed/i;
/** A registry counts the pulls of an address: another host may still have some. */
const NO_MORE_PULLS = /toomanyrequests|pull rate limit/i;

/** Why an image cannot be had: there is none of that name, it is not for us, or its registry wants fewer pulls. */
export type ImageTrouble = "none" | "denied" | "limited";

/** undefined = these words are not about the image. */
export function imageTroubleIn(message: string): ImageTrouble | undefined {
  if (NO_ACCESS.test(message)) return "denied";
  if (NO_IMAGE.test(message)) return "none";
  return NO_MORE_PULLS.test(message) ? "limited" : undefined;
}

const ADVICE: Readonly<Record<ImageTrouble, string>> = {
  none: "its registry has no image of that name, or not this tag; set image to one that exists",
  denied: "it is private and needs a login that may read it (registryUser), or there is none of that name",
  limited:
    "its registry allows this host no more pulls for now; when others fare no better, try again in some hours, or set image to a copy in another registry",
};

/** "image a/b:c cannot be pulled: its registry has no …" and what Docker said. */
export function imageTroubleText(image: string | null, message: string): string {
  const advice = ADVICE[imageTroubleIn(message) ?? "none"];
  return `image ${image ?? "of unknown name"} cannot be pulled: ${advice} (Docker: ${message})`;
}
