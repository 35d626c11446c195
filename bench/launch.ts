/**
 * From the command to the first training line: our `pulumi up` against the shell workflow it replaces, in turn on the
 * same simulator. Prints medians and the ratio. Needs what `npm test` needs, jq, and the official client `vastai` on PATH.
 *
 *   npm run bench            three rounds
 *   npm run bench -- 5       five rounds
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type SimulatorProcess, startSimulatorProcess } from "../scripts/lib/simulator.ts";
import { openWorkspace, projectDir, type Workspace } from "../scripts/lib/workspace.ts";

interface Launch {
  /** Seconds from the command to the first training line that a person can read. */
  readonly firstLine: number;
  /** Of the API. */
  readonly calls: number;
}

async function ours({ run }: Workspace, simulator: SimulatorProcess): Promise<Launch> {
  const began = Date.now();
  const callsBefore = await callsOf(simulator);
  await must(run("pulumi", ["up", "-s", "local", "--yes", "--skip-preview", "--non-interactive"]));
  await must(run("sh", ["-c", "until vast-run logs -n 1000 --stack local | grep -q loss; do :; done"]));
  const firstLine = seconds(began);
  const calls = (await callsOf(simulator)) - callsBefore;
  await must(run("pulumi", ["destroy", "-s", "local", "--yes", "--non-interactive"]));
  return { firstLine, calls };
}

async function theirs({ run, home }: Workspace, simulator: SimulatorProcess): Promise<Launch> {
  const privateKey = join(home, "ssh", "id_ed25519");
  const env = {
    VAST_URL: simulator.url,
    API_KEY: simulator.apiKey,
    REPO: `${simulator.url}/git/tiny-train`,
    BRANCH: "jan",
    PRIVATE_KEY: privateKey,
    PUBLIC_KEY: readFileSync(`${privateKey}.pub`, "utf8").trim(),
  };
  const callsBefore = await callsOf(simulator);
  const { stdout } = await must(run("bash", [join(projectDir, "bench", "incumbent.sh")], { env }));
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return { firstLine: Number(last.split(" ")[0]), calls: (await callsOf(simulator)) - callsBefore };
}

async function callsOf(simulator: SimulatorProcess): Promise<number> {
  return ((await simulator.get("/_sim/requests")) as unknown[]).length;
}

async function must<T extends { code: number | null; stdout: string; stderr: string }>(result: Promise<T>): Promise<T> {
  const ended = await result;
  if (ended.code !== 0) throw new Error(`${ended.stdout}\n${ended.stderr}`);
  return ended;
}

function seconds(since: number): number {
  return (Date.now() - since) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(name: string, launches: readonly Launch[]): number {
  const times = launches.map(({ firstLine }) => firstLine);
  const range = `${Math.min(...times).toFixed(1)}-${Math.max(...times).toFixed(1)}`;
  const calls = median(launches.map((launch) => launch.calls));
  console.log(`${name}  median ${median(times).toFixed(1)} s (${range}), ${calls} API calls`);
  return median(times);
}

const rounds = Number(process.argv[2] ?? 3);
const workspace = openWorkspace();
const simulator = await startSimulatorProcess({ home: workspace.home, env: workspace.env });
try {
  await must(workspace.run("pulumi", ["stack", "init", "local", "--non-interactive"]));
  const launches = { ours: [] as Launch[], theirs: [] as Launch[] };
  for (let round = 0; round < rounds; round++) {
    launches.ours.push(await ours(workspace, simulator));
    launches.theirs.push(await theirs(workspace, simulator));
  }
  const ratio = report("shell workflow", launches.theirs) / report("pulumi up     ", launches.ours);
  console.log(`the shell workflow takes ${ratio.toFixed(2)} times as long`);
} finally {
  await simulator.stop();
  await workspace.close();
}
