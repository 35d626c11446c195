import { BOOT_FAULT_NAMES } from "../contracts/boot-faults.ts";
import { type Fault, UnusableFault } from "../faults/fault.ts";
import { MISHAP_NAMES } from "../world/mishaps.ts";
import { REQUEST_FAULT_NAMES } from "./request-faults.ts";
import { ROUTES } from "./routes.ts";

/**
 * The fault with its endpoint spelled as the routes spell it. Throws UnusableFault when the fault can never occur: a
 * test that scripts it would pass for the wrong reason.
 */
export function checkFault(fault: Fault): Fault {
  const { on, names } = occasionNamed(fault?.on);
  if (!names.includes(fault.do))
    throw new UnusableFault(`"do" for ${on} is one of ${names.join(", ")}, not ${JSON.stringify(fault.do)}`);
  return { ...fault, on };
}

function occasionNamed(on: unknown): { on: string; names: readonly string[] } {
  if (on === "boot") return { on, names: BOOT_FAULT_NAMES };
  if (on === "run") return { on, names: MISHAP_NAMES };
  const route = ROUTES.find(({ endpoint }) => shape(endpoint) === shape(String(on)));
  if (route !== undefined) return { on: route.endpoint, names: REQUEST_FAULT_NAMES };
  throw new UnusableFault(`a fault's "on" is "boot", "run" or an endpoint, not ${JSON.stringify(on)}`);
}

/** The endpoint without what makes no difference: a slash at the end, /api/v0 in front, the names in braces. */
function shape(endpoint: string): string {
  return endpoint
    .replace("/api/v0", "")
    .replace(/\{\w+\}/g, "{}")
    .replace(/\/$/, "");
}
