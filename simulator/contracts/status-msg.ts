import type { Order } from "./contract.ts";

/** Docker's lines about layers; they count no bytes. */
export function pulling(image: string): string {
  return `Pulling from ${image.replace(/:.*/, "")}\n5c2bf2a3b1c6: Already exists\n7f1d3aa90c21: Pulling fs layer`;
}

/** The message of a started container, which ends in a line feed. */
export function running({ image, runtype }: Order): string {
  return `success, running ${image.replace(":", "_")}/${runtype.includes("jupyter") ? "jupyter" : "ssh"}\n`;
}
