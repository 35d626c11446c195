import { setTimeout as wait } from "node:timers/promises";
import { whyNotPullable } from "../registry/pullable.ts";
import { registryOptionsOf } from "./image-login.ts";
import type { VastInstanceInputs } from "./instance.ts";

/** How long a registry may be silent: what it would say is no condition of a quote. */
const PATIENCE_MS = 5000;

/** Why no machine could pull an image by the digest that was kept: it may have been removed since. undefined = none. */
export async function keptImageTrouble({
  image,
  imageLogin = null,
  apiUrl,
}: Pick<VastInstanceInputs, "image" | "imageLogin" | "apiUrl">): Promise<string | undefined> {
  if (!image.includes("@")) return undefined;
  const late = wait(PATIENCE_MS, undefined, { ref: false });
  const why = await Promise.race([late, whyNotPullable(image, registryOptionsOf(imageLogin, apiUrl, process.env))]);
  if (!why) return undefined;
  return `${why}: no machine could pull it. Push it again, or have another one made or found with pulumi up --replace '**-image'`;
}
