import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { shellLine } from "../components/ssh/ssh-key.ts";
import type { Ground } from "./ground.ts";
import { type Measured, measureWork } from "./meter.ts";
import { loginWords, privateKeyOf } from "./scripts.ts";
import type { Line } from "./table.ts";

/** What lies on the machine. */
interface Load {
  readonly files: number;
  readonly megabytes: number;
}

const LOADS: readonly Load[] = [
  { files: 1, megabytes: 2000 },
  { files: 2000, megabytes: 1 },
];
/** For a look. */
const SMALL_LOADS: readonly Load[] = [
  { files: 1, megabytes: 100 },
  { files: 100, megabytes: 1 },
];

interface Pair {
  readonly ours: Measured;
  readonly theirs: Measured;
}

/**
 * Row sync: `vast-run sync`, which verifies, against a bare rsync of the same files through the same sshd. Its machine is
 * left to the end of the ground.
 */
export async function syncs(ground: Ground, rounds: number, isQuick: boolean): Promise<Line[]> {
  await ground.pulumi("up", ["--skip-preview"]);
  await ground.endTraining();
  const lines: Line[] = [];
  for (const load of isQuick ? SMALL_LOADS : LOADS) lines.push(...(await fetched(ground, rounds, load)));
  return lines;
}

const FOLDER = "/workspace/checkpoints";

async function fetched(ground: Ground, rounds: number, load: Load): Promise<Line[]> {
  const { files, megabytes } = load;
  const write = `head -c ${megabytes}MB /dev/urandom > file-$n`;
  await ground.machine(`rm -rf ${FOLDER}/* && cd ${FOLDER} && for n in $(seq ${files}); do ${write} || exit; done`);
  const [first, again]: [Pair[], Pair[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(ground.workspace.root, "fetched-"));
    first.push(await pair(ground, folder));
    again.push(await pair(ground, folder));
    rmSync(folder, { recursive: true });
  }
  const what = `${files.toLocaleString("en")} x ${megabytes.toLocaleString("en")} MB`;
  const bytes = files * megabytes * 1e6;
  return [
    ...linesOf(what, first, ["speed", "MB/s", ({ seconds }) => bytes / seconds]),
    ...linesOf(`${what}, nothing new`, again, ["time", "s", ({ seconds }) => seconds]),
  ];
}

function linesOf(what: string, pairs: readonly Pair[], main: [string, Line["unit"], (taken: Measured) => number]) {
  const figures: (typeof main)[] = [
    main,
    ["processor time here", "s", ({ cpu }) => cpu],
    ["peak of private memory here", "MB", ({ memory }) => memory],
  ];
  return figures.map(
    ([name, unit, figure]): Line => ({
      row: "sync",
      what: `${what}: ${name}`,
      on: "a machine's sshd on this machine",
      unit,
      ours: pairs.map(({ ours }) => figure(ours)),
      against: "`rsync -a`, nothing verified",
      theirs: pairs.map(({ theirs }) => figure(theirs)),
    }),
  );
}

async function pair(ground: Ground, folder: string): Promise<Pair> {
  const ours = await ground.vastRun("sync", "--to", join(folder, "ours"));
  const { sshPort } = JSON.parse(await ground.output("__run"));
  const login = shellLine(loginWords(privateKeyOf(ground), String(sshPort)));
  const words = ["-a", "-e", login, `root@127.0.0.1:${FOLDER}/`, join(folder, "theirs")];
  return { ours, theirs: await measureWork(ground.workspace, ["rsync", ...words]) };
}
