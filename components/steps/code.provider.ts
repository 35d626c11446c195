import { fetchCommit, hasCommit, keptCommit } from "../code/git/cache.ts";
import { type Pack, type Packed, withPack } from "../code/git/pack.ts";
import { forgetOldFiles, snapshotRepository } from "../code/git/snapshot.ts";
import { findGitToken, loginFor } from "../code/git/token.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { sizeText } from "../lib/text.ts";
import { progress, say as tell, watchEngine } from "../pulumi/engine.ts";
import { changedKeys, lifecycle } from "../pulumi/lifecycle.ts";
import { throttled } from "../pulumi/throttle.ts";
import type { GitAuth } from "../remote/scripts.ts";
import type { Login } from "../ssh/run-script.ts";
import type { WantedCommit } from "./code.ts";
import { converse, type RequestHandler, type Say } from "./converse.ts";
import { type KnownMachine, onMachine } from "./reach.ts";

/** What the resource is made from; no secret. */
export interface CodeState extends KnownMachine {
  readonly way: GitAuth;
  readonly wanted: readonly WantedCommit[];
  readonly sourceDir: string;
  readonly envFile: string;
  readonly netrcFile: string;
  readonly script: string;
  readonly fetchScript: string;
  /** The row on which progress is shown. */
  readonly __urn: string;
}

/** The lifecycle behind Code. It has no delete: the files go with the machine. */
export const provider = lifecycle({
  check: async (_olds: object, news: CodeState) => ({ inputs: news }),
  diff: async (_id: string, olds: CodeState, news: CodeState) => ({ changes: changedKeys(olds, news).length > 0 }),
  create: async (inputs: CodeState) => ({ id: "code", outs: await bring(inputs) }),
  update: async (_id: string, _olds: CodeState, news: CodeState) => ({ outs: await bring(news) }),
});

/** Brings the code: asks the machine first, and sends only what it lacks. */
async function bring(inputs: CodeState): Promise<CodeState> {
  const show = throttled((text) => progress(inputs.__urn, text));
  const token = inputs.way === "token" ? findGitToken(inputs) : undefined;
  const watch = watchEngine();
  try {
    await onMachine(inputs, (machine) => bringTo(machine, inputs, { token, show, signal: watch.signal }));
  } finally {
    watch.stop();
  }
  return inputs;
}

export interface BringOptions {
  readonly token: string | undefined;
  readonly show: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What the provider does, without Pulumi. */
export async function bringTo(machine: Login, inputs: CodeState, means: BringOptions): Promise<void> {
  const { show, signal, token } = means;
  let needsAgent = false;
  const answer: RequestHandler = async ([what, number, base = ""], say) => {
    const wanted = inputs.wanted[Number(number)];
    if (what === "pack" && wanted !== undefined && inputs.way === "upload") {
      const isFolder = number === "0" && inputs.sourceDir !== "";
      const { packed, from } = await (isFolder ? kept(inputs, wanted, base) : fetched(inputs, wanted, base, means));
      await send(packed, from, say, means);
      if (isFolder) await forgetOldFiles(packed.bare);
    } else if (what === "token" && token !== undefined) await say.line(token);
    else if (what === "agent" && inputs.way === "agent") needsAgent = true;
    else throw new Error(`the machine asks for ${what}, which it must not have`);
  };
  // Lines about a stopped training stay on screen.
  const heard = (line: string) => (line.startsWith("training ") ? void tell(inputs.__urn, line) : show(line));
  const ask = () => converse(machine, inputs.script, answer, { heard, ...(signal ? { signal } : {}) });
  show("bringing the code to the machine");
  await ask();
  if (!needsAgent) return;
  await fetchWithAgent(machine, inputs, means);
  needsAgent = false;
  await ask();
  if (needsAgent) throw new Error("the code is not on the machine after it was fetched there; run pulumi up again");
}

interface Found {
  readonly packed: Packed;
  /** The commit that the machine has, if it is here too. */
  readonly from: Packed | undefined;
}

const isCommit = (text: string) => /^[0-9a-f]{40,64}$/.test(text);

/** A commit of a server, fetched here unless it is here already. */
async function fetched(
  inputs: CodeState,
  wanted: WantedCommit,
  base: string,
  { show, signal }: BringOptions,
): Promise<Found> {
  const dir = openStateDir();
  const { url, commit } = wanted;
  show(`fetching ${commit.slice(0, 7)} of ${url} here`);
  const bare = await fetchCommit(dir, { ...wanted, login: loginFor(inputs, url) }, signal);
  const known = isCommit(base) ? keptCommit(dir, url, base) : undefined;
  return { packed: { bare, commit }, from: known === undefined ? undefined : { bare: known, commit: base } };
}

/** The files of a folder, as they were when the program read them. */
async function kept({ sourceDir }: CodeState, { commit }: WantedCommit, base: string): Promise<Found> {
  const bare = await snapshotRepository(openStateDir(), sourceDir);
  if (!(await hasCommit(bare, commit))) {
    throw new Error(`the files of ${sourceDir} that were to be sent are not kept any more; run pulumi up again`);
  }
  const known = isCommit(base) && (await hasCommit(bare, base));
  return { packed: { bare, commit }, from: known ? { bare, commit: base } : undefined };
}

async function send(packed: Packed, from: Packed | undefined, say: Say, { show, signal }: BringOptions): Promise<void> {
  const use = async ({ file, bytes }: Pack) => {
    const all = sizeText(bytes);
    show(`sending the code, ${all}`);
    await say.file(file, (sent) => show(`sending the code, ${Math.floor((100 * sent) / bytes)} % of ${all}`));
    show(`unpacking ${all}`);
  };
  await withPack(packed, from, use, signal);
}

async function fetchWithAgent(machine: Login, inputs: CodeState, { show, signal }: BringOptions): Promise<void> {
  const agentSocket = process.env.SSH_AUTH_SOCK;
  if (!agentSocket) throw new Error("gitAuth is agent, but SSH_AUTH_SOCK names none; start one and ssh-add your key");
  const warning = "whoever owns the machine can log in elsewhere with your ssh agent's keys while it fetches";
  await tell(inputs.__urn, `gitAuth agent: ${warning}`);
  const nothing: RequestHandler = async ([what]) => {
    throw new Error(`the machine asks for ${what}, which it must not have`);
  };
  const more = { agentSocket, heard: show, ...(signal ? { signal } : {}) };
  await converse(machine, inputs.fetchScript, nothing, more);
}
