import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { handClock } from "./base/clock.ts";
import { STEPS, type Timings } from "./base/timings.ts";
import { type Simulator, startSimulator } from "./index.ts";
import { ledger } from "./world/world.ts";

const HELP = `Vast's API on this machine, with a real sshd behind every rented machine.

  npm run -s simulator -- [options]

  --port N           port on 127.0.0.1 (default: a free one)
  --seed S           another market (default 1)
  --market N         so many times as many machines to rent (default 1)
  --time-factor F    times the real platform's waits: 1 = as slow as it is (default: quick)
  --latency S        seconds of the way to the API and back (default: none, or as typical with --time-factor)
  --timing NAME=S    seconds that one step takes, such as load=24 or destroy=4; once for each step
  --no-pace          without the rate limits
  --no-hosts         the API alone, no machines behind it
  --docker PATH      socket of the Docker engine that rented virtual machines have (default: none)
  --hand-clock       time stands still until POST /_sim/clock {"advanceSeconds": n}
  --help             this text

It prints one line of JSON, {url, apiKey, pid}, and then logs each request on stderr. ^C ends it and its machines.
Its files are in $VAST_TRAINING_HOME/simulator, else ~/.local/state/vast-training/simulator.
`;

const OPTIONS = {
  port: { type: "string", default: "0" },
  seed: { type: "string", default: "1" },
  market: { type: "string", default: "1" },
  "time-factor": { type: "string" },
  latency: { type: "string" },
  timing: { type: "string", multiple: true },
  docker: { type: "string" },
  "no-pace": { type: "boolean", default: false },
  "no-hosts": { type: "boolean", default: false },
  "hand-clock": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  // Before our first line is printed: whoever reads it may send a signal at once.
  const ended = told();
  const simulator = await startSimulator({
    home: join(stateDirectory(), "simulator"),
    port: numeric("port", values.port),
    seed: numeric("seed", values.seed),
    market: numeric("market", values.market),
    pace: !values["no-pace"],
    hosts: values["no-hosts"] ? "none" : "real",
    log,
    docker: values.docker,
    ...(values["time-factor"] === undefined ? {} : { timeFactor: numeric("time-factor", values["time-factor"]) }),
    timings: {
      ...(values.latency === undefined ? {} : { latency: numeric("latency", values.latency) }),
      ...timings(values.timing ?? []),
    },
    ...(values["hand-clock"] ? { clock: handClock(Date.now()) } : {}),
  });
  const { url, apiKey } = simulator;
  process.stdout.write(`${JSON.stringify({ url, apiKey, pid: process.pid })}\n`);
  process.stderr.write(pointers(simulator));
  await ended;
  await end(simulator);
  return 0;
}

/** $VAST_TRAINING_HOME, else below the user's state. */
function stateDirectory(): string {
  const { VAST_TRAINING_HOME, XDG_STATE_HOME } = process.env;
  return VAST_TRAINING_HOME || join(XDG_STATE_HOME || join(homedir(), ".local", "state"), "vast-training");
}

function numeric(name: string, value: string): number {
  const number = Number(value);
  if (!(number >= 0)) throw new Error(`--${name} must be a number that is not negative, not "${value}".`);
  return number;
}

function timings(words: readonly string[]): Partial<Timings> {
  const pairs = words.map((word) => {
    const [name = "", value = "nothing"] = word.split("=");
    if (!STEPS.includes(name)) throw new Error(`--timing knows ${STEPS.join(", ")}, not "${name}".`);
    return [name, numeric(`timing ${name}`, value)];
  });
  return Object.fromEntries(pairs);
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 23)}  ${line}\n`);
}

function pointers({ url, apiKeyFile }: Simulator): string {
  return `The simulator listens at ${url}. Point at it
  a stack:              pulumi up -s local          (config apiUrl: simulator)
  the official client:  VAST_URL=${url} vastai --api-key "$(cat ${apiKeyFile})" show instances
Requests:
`;
}

/** Resolves at the first ^C or SIGTERM; a second one ends the process at once. */
function told(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => done());
  });
}

async function end(simulator: Simulator): Promise<void> {
  const { living, total } = ledger(simulator.world);
  log(`ending: ${living} machines go with it; the bill was $${total.toFixed(4)}`);
  await simulator.close();
}

// The reader of the log may end first, and the machines must still be removed.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

main().then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  },
);
