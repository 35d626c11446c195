import type { Call } from "./answer.ts";

/** A call by its template: Vast's paths, the list of instances excepted, begin with /api/v0. */
export function endpoint(
  method: Call["method"],
  template: string,
  id?: number,
): Pick<Call, "method" | "path" | "template"> {
  return { method, template, path: `/api/v0${template.replace("{id}", String(id))}` };
}

/** A call that changes nothing. */
export function read(template: string, id?: number): Call {
  return { ...endpoint("GET", template, id), idempotent: true };
}

/** A PUT that may be repeated: it names the state to reach. */
export function write(template: string, id: number): Call {
  return { ...endpoint("PUT", template, id), idempotent: true };
}

/** The list lives in v1: the one of v0 is retired and answers 410. */
export const LIST: Call = { method: "GET", template: "/instances/", path: "/api/v1/instances/", idempotent: true };

/** 25 rows is the most a page can have. */
export function pageQuery(token: string | undefined): Record<string, string> {
  const order = JSON.stringify([{ col: "id", dir: "asc" }]);
  return { limit: "25", order_by: order, ...(token === undefined ? {} : { after_token: token }) };
}
