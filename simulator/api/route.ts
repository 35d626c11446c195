import type { Contract } from "../contracts/contract.ts";
import type { World } from "../world/world.ts";
import type { Answer } from "./answer.ts";

/** Who calls: the account, another one, one instance with its own key, or anybody. */
export type Caller =
  | { kind: "account" }
  | { kind: "stranger"; accountId: number }
  | { kind: "instance"; contract: Contract }
  | { kind: "anybody" };

/** A request that has found its endpoint. */
export interface Call {
  readonly world: World;
  readonly caller: Caller;
  /** The values of the endpoint's {parameters}. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; {} when there was none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type Handler = (call: Call) => Answer | Promise<Answer>;

export interface Route {
  /** METHOD and path as the limits name it; v0 unless the path says otherwise. Paths end in a slash. */
  readonly endpoint: string;
  /**
   * Who may call it. Default: the account. "instance" = also an instance, about itself. "keyless" = anybody with a key
   * that Vast knows, or without a key.
   */
  readonly open?: "instance" | "anybody" | "keyless";
  readonly answer: Handler;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** "other-method" = the path is known, the method is not. */
export type Lookup = Match | "other-method" | undefined;

/** Routes with words before routes with braces; a missing slash at the end makes no difference. */
export function findRoute(routes: readonly Route[], method: string, pathname: string): Lookup {
  const path = withoutV0(pathname.endsWith("/") ? pathname : `${pathname}/`);
  let found: Lookup;
  for (const route of routes) {
    const [wanted, template] = route.endpoint.split(" ") as [string, string];
    const params = matchPath(template, path);
    if (params === undefined) continue;
    if (wanted === method) return { route, params };
    found = "other-method";
  }
  return found;
}

function withoutV0(path: string): string | undefined {
  if (path.startsWith("/api/v0/")) return path.slice("/api/v0".length);
  return path.startsWith("/api/") ? path : undefined;
}

function matchPath(template: string, path: string | undefined): Record<string, string> | undefined {
  if (path === undefined) return undefined;
  const wanted = template.split("/");
  const parts = path.split("/");
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, word] of wanted.entries()) {
    const part = parts[index] ?? "";
    if (word.startsWith("{")) params[word.slice(1, -1)] = decodeURIComponent(part);
    else if (word !== part) return undefined;
  }
  return params;
}
