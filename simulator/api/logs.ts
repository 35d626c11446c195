import { secondsOf } from "../base/timings.ts";
import type { Contract } from "../contracts/contract.ts";
import type { World } from "../world/world.ts";
import { type Answer, json, refusal } from "./answer.ts";
import { onInstance } from "./instances.ts";
import type { Call, Route } from "./route.ts";

export const logRoutes: readonly Route[] = [
  { endpoint: "PUT /instances/request_logs/{id}/", answer: requestLogs },
  { endpoint: "PUT /instances/command/{id}/", answer: (call) => onInstance(call, command) },
];

const DEFAULT_TAIL = 1000;
const LONGEST_COMMAND = 512;

/** The answer gives an address; the log is there a moment later. */
function requestLogs(call: Call): Answer {
  const answer = onInstance(call, ({ world, body }, contract) => {
    const tail = Number(body.tail ?? DEFAULT_TAIL);
    if (!(tail > 0)) return refusal(400, "invalid_args", "tail must be a positive number");
    const daemon = String(body.daemon_logs) === "true";
    const read = daemon ? async () => daemonLog(contract, tail) : () => world.life.logs(contract, tail);
    return uploaded(world, async () => grep(await read(), body.filter));
  });
  const unknown = "status" in answer && answer.status === 404;
  return unknown ? refusal(404, "invalid_id", `Invalid instance id ${call.params.id}`) : answer;
}

function uploaded(world: World, text: () => Promise<string>, more: Record<string, string> = {}): Answer {
  const path = world.blobs.add(text, secondsOf(world.timings.logs, world.random));
  return json(200, { success: true, ...more, result_url: `${world.url}${path}`, msg: "Uploading." });
}

function daemonLog({ daemonLog: lines }: Contract, tail: number): string {
  return lines.slice(-tail).join("\n");
}

function grep(text: string, filter: unknown): string {
  if (typeof filter !== "string" || filter === "") return text;
  return text
    .split("\n")
    .filter((line) => line.includes(filter))
    .join("\n");
}

/** Checks the command, does not run it, and says so. */
function command({ world, body }: Call): Answer {
  const line = String(body.command ?? "");
  if (line.length > LONGEST_COMMAND) return refusal(400, "invalid_args", "command is longer than 512 characters");
  if (!/^(ls|rm|du)(\s|$)/.test(line)) return refusal(400, "invalid_args", "only ls, rm and du are allowed");
  const text = async () => "The simulator does not run commands; use ssh.\n";
  return uploaded(world, text, { writeable_path: "/var/lib/docker" });
}
