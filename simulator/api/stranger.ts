import type { Answer } from "./answer.ts";
import { json, noSuchInstance, refusal } from "./answer.ts";
import type { Call } from "./route.ts";

/** The key of another account sees no instances here. Vast does not say that they belong to somebody else. */
export function toStranger(accountId: number, endpoint: string, { params }: Call): Answer {
  switch (endpoint) {
    case "GET /users/current/":
      return json(200, { id: accountId, email: "stranger@example.org", username: "stranger", credit: 1 });
    case "GET /api/v1/instances/":
      return json(200, { success: true, instances_found: 0, total_instances: 0, next_token: null, instances: [] });
    case "GET /instances/{id}/":
      return json(200, { instances: null });
    case "DELETE /instances/{id}/":
      return noSuchInstance(params.id ?? "");
    default:
      return refusal(403, "not_authorized", "You may not do this.");
  }
}
