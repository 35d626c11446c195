import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { knownServers } from "../../../components/code/git/known-servers.ts";
import { probe } from "../../../components/ssh/probe.ts";
import { bringTo, type CodeState } from "../../../components/steps/code.provider.ts";
import { gitOverHttp, gitOverSsh, openPlace, type Place, serverRoot } from "../../support/code-place.ts";
import { needsRoot } from "../../support/sshd.ts";
import { makeRepository } from "../remote/box.ts";

const TOKEN = "ghp_only-for-this-test-0123456789";
const HEAVY = Array.from({ length: 3000 }, (_, line) => `line ${line * line}`).join("\n");

async function bring({ machine }: Place, inputs: CodeState, token?: string): Promise<string[]> {
  const shown: string[] = [];
  await bringTo(machine, inputs, { token, show: (text) => shown.push(text) });
  return shown;
}

const codeFile = ({ box }: Place, name: string) => readFileSync(join(box.workspace, "it", name), "utf8");
const gitIn = ({ box }: Place, ...words: string[]) =>
  execFileSync("git", ["-C", join(box.workspace, "it"), ...words], { encoding: "utf8" }).trim();

async function overSsh(t: TestContext) {
  const place = await openPlace(t);
  const root = serverRoot(place.box);
  const made = makeRepository(join(root, "it"), "jan", { a: "1", heavy: HEAVY }, { a: "2", heavy: `${HEAVY}\nmore` });
  const server = await gitOverSsh(t, root);
  return { place, root, server, made: made as [string, string] };
}

test(
  "upload: a private repository is sent from here in one connection, without history, and the next commit as a difference",
  needsRoot,
  async (t) => {
    const { place, server, root, made } = await overSsh(t);
    const first = place.inputs({ repo: server.url("it"), commit: made[0], way: "upload" });
    const shown = await bring(place, first);
    assert.equal(place.logins(), 1);
    assert.equal(codeFile(place, "a"), "1");
    assert.equal(gitIn(place, "rev-list", "--count", "HEAD"), "1");
    gitIn(place, "fsck", "--strict");
    const size = shown.find((text) => /^sending the code, .* kB$/.test(text));
    assert.ok(size, shown.join("\n"));

    const again = await bring(place, first);
    assert.equal(again.filter((text) => /sending|fetching/.test(text)).length, 0, "what is there is not sent again");

    const next = await bring(place, place.inputs({ repo: server.url("it"), commit: made[1], way: "upload" }));
    assert.ok(
      next.some((text) => /^sending the code, \d{1,3}(\.\d)? bytes$/.test(text)),
      next.join("\n"),
    );
    assert.equal(codeFile(place, "heavy"), `${HEAVY}\nmore`);
    gitIn(place, "fsck", "--strict");

    rmSync(join(place.box.workspace, "it"), { recursive: true });
    rmSync(join(root, "it"), { recursive: true });
    await bring(place, first);
    assert.equal(codeFile(place, "a"), "1", "a commit that was fetched once is sent without the server");
  },
);

test("agent: the machine fetches with the user's own agent, which it has for that alone", needsRoot, async (t) => {
  const { place, server, root, made } = await overSsh(t);
  const known = await knownServers([server.url("it")]);
  assert.deepEqual(known.strangers, []);
  const step = { repo: server.url("it"), way: "agent" as const, ...known };
  // A line that is open forwards no agent, and must not be taken for this.
  const { endpoint, ...access } = place.machine;
  assert.equal((await probe({ ...endpoint, via: "direct" }, access)).ok, true);
  await bring(place, place.inputs({ ...step, commit: made[0] }));
  assert.equal(codeFile(place, "a"), "1");
  assert.equal(place.logins(), 4);
  await bring(place, place.inputs({ ...step, commit: made[0] }));
  assert.equal(place.logins(), 5, "what is there needs no agent");

  const [newer = ""] = makeRepository(join(root, "it"), "jan", { a: "3" });
  const wrong = known.knownHosts.replace(/ [A-Za-z0-9+/]{60,}/, ` ${"AAAAC3NzaC1lZDI1NTE5AAAAI".padEnd(68, "A")}`);
  const refused = bring(place, place.inputs({ ...step, commit: newer, knownHosts: wrong }));
  await assert.rejects(refused, /Host key verification failed|cannot fetch/i);
});

test(
  "token: it goes over standard input to a helper for this server alone, and nothing keeps it",
  needsRoot,
  async (t) => {
    const place = await openPlace(t);
    const root = serverRoot(place.box);
    const [first = "", second = ""] = makeRepository(join(root, "it"), "jan", { a: "1" }, { a: "2" });
    const url = await gitOverHttp(t, root, TOKEN);
    const tokenFor = url("").replace(/\/git\/$/, "");
    const step = { repo: url("it"), way: "token" as const, tokenFor };
    const lines = watchCommandLines();
    await bring(place, place.inputs({ ...step, commit: first }), TOKEN);
    assert.equal(codeFile(place, "a"), "1");
    assert.equal(place.logins(), 1);
    await assert.rejects(bring(place, place.inputs({ ...step, commit: second }), "another"), /cannot fetch/);
    await assert.rejects(
      bring(place, place.inputs({ ...step, commit: second, tokenFor: "https://elsewhere" }), TOKEN),
      /cannot fetch/,
      "another server is told nothing",
    );
    assert.ok(!lines.stop().includes(TOKEN));
    const { out } = await place.box.run(`grep -rl '${TOKEN}' ${place.box.root} || true`);
    assert.equal(out, "");
  },
);

/** The command lines of all processes, as often as can be. */
function watchCommandLines(): { stop(): string } {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // it has ended
      }
    }
  }, 20).unref();
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen].join("\n");
    },
  };
}

test(
  "extraRepos: cloned where missing, taken to the commit where clean, and never over what is somebody's",
  needsRoot,
  async (t) => {
    const { place, root, server, made } = await overSsh(t);
    const [one = "", two = ""] = makeRepository(join(root, "extra"), "main", { x: "1" }, { x: "2" });
    const path = join(place.box.workspace, "extra");
    const inputs = (commit: string) =>
      place.inputs({
        repo: server.url("it"),
        commit: made[0],
        way: "upload",
        extraRepos: [{ url: server.url("extra"), commit, path }],
      });
    const x = () => readFileSync(join(path, "x"), "utf8");
    await bring(place, inputs(one));
    assert.equal(x(), "1");
    await bring(place, inputs(two));
    assert.equal(x(), "2");

    writeFileSync(join(path, "x"), "mine");
    await assert.rejects(bring(place, inputs(one)), /extra has changes of its own.*another path in extraRepos/);
    assert.equal(x(), "mine");

    rmSync(join(path, ".git"), { recursive: true });
    await assert.rejects(bring(place, inputs(two)), /is there already and is not commit.*extraRepos/);
    assert.equal(x(), "mine");

    writeFileSync(join(path, "x"), "2");
    await bring(place, inputs(two));
    assert.equal(existsSync(join(path, ".git")), false, "files of the commit that an image has without git are fine");
  },
);
