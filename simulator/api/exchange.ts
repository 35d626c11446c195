import { record, type World } from "../world/world.ts";
import type { Answer } from "./answer.ts";
import { type Incoming, respond } from "./respond.ts";

/** Answers one request to Vast's API and logs it. Needs no socket. */
export async function exchange(world: World, incoming: Incoming): Promise<Answer> {
  const at = world.clock.now();
  const { answer, endpoint, authorized, fault } = await respond(world, incoming);
  record(world, {
    at,
    method: incoming.method,
    path: pathWithoutKey(incoming.url),
    endpoint,
    authorized,
    body: withoutLogin(parsed(incoming.body)),
    status: "cut" in answer ? 0 : answer.status,
    ms: world.clock.now() - at,
    ...(fault === undefined ? {} : { fault }),
  });
  return answer;
}

function pathWithoutKey(url: URL): string {
  const shown = new URL(url);
  if (shown.searchParams.has("api_key")) shown.searchParams.set("api_key", "-");
  return shown.pathname + shown.search;
}

/** Leaves out the token of a private image: only its registry may see it. */
function withoutLogin(body: unknown): unknown {
  const has = typeof body === "object" && body !== null && "image_login" in body;
  return has ? { ...body, image_login: "-" } : body;
}

/** A body as it is kept: its value where it is JSON, else its text; null = none. */
export function parsed(body: string): unknown {
  if (body === "") return null;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
