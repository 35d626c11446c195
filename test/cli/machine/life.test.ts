import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Status } from "../../../cli/status/status.ts";
import type { What } from "../../../components/events/event.ts";
import { Events } from "../../../components/events/events.ts";
import { filesIn } from "../../../scripts/quickstart/evidence.ts";
import { openPerson, type Person } from "../../support/person.ts";
import { openProject, type Project } from "../../support/project.ts";
import { runInPty } from "../../support/pty.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";
const setEnv = 'eval "$(vast-run env)"';

/** Starts a command, waits for a line, sends a signal, and answers with everything once it has ended. */
async function until(project: Project, line: RegExp, signal: NodeJS.Signals, file: string, args: string[]) {
  const seen = Promise.withResolvers<void>();
  const command = project.start(file, args, { onLine: (text) => line.test(text) && seen.resolve() });
  const ended = command.result.then((result) => assert.fail(`ended without ${line}: ${JSON.stringify(result)}`));
  await Promise.race([seen.promise, ended]);
  ended.catch(() => {});
  command.signal(signal);
  return command.result;
}

async function asPerson(project: Project, person: Person, script: string) {
  const result = await project.run(...person.shell(`${setEnv} && ${script}`), { env: person.env });
  assert.equal(result.code, 0, `${script}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** name -> sha256 of the checkpoints on the machine. One that is being saved goes away while it is looked at. */
async function remoteCheckpoints(project: Project): Promise<Map<string, string>> {
  const whole = "find . -name '*.partial' -prune -o -type f -exec sha256sum {} +";
  const text = await project.remote(`cd /workspace/checkpoints && ${whole}`);
  return new Map(text.split("\n").map((line) => [line.slice(66), line.slice(0, 64)]));
}

test("vast-run beside a run", { skip: needsRoot }, async (t: TestContext) => {
  const person = await openPerson(t);
  const project = await openProject(t, { SSH_AUTH_SOCK: person.env.SSH_AUTH_SOCK });
  await project.works("up", "--skip-preview");

  await t.test("env: ssh with the person's settings follows the log, verbatim", async () => {
    const line = `${setEnv}; $SSH_CMD 'tail -f /workspace/train.log'`;
    const { stdout } = await until(project, /loss/, "SIGTERM", ...person.shell(line));
    assert.match(stdout, /loss/);
  });

  await t.test("env: plain ssh has been introduced to the machine, without a question", async () => {
    const { stdout } = await project.run(...person.shell("vast-run env"), { env: person.env });
    assert.match(
      stdout,
      /^export INSTANCE_ID=\d+\nexport SSH_HOST=\S+\nexport SSH_PORT=\d+\nexport SSH_CMD='ssh [^']+'\n$/,
    );
    assert.match(
      readFileSync(join(person.home, ".ssh", "known_hosts"), "utf8"),
      /^(\[127\.0\.0\.1\]:\d+ ssh-\S+ \S+ vast-training\n)+$/,
    );
  });

  await t.test("env: the rsync of old runs verbatim over plain ssh and the person's agent", async () => {
    const destination = join(project.root, "by-rsync");
    await project.remote("until [ -e /workspace/checkpoints/step_10/meta.json ]; do sleep 0.1; done");
    const rsync = `rsync -avz -e "ssh -p $SSH_PORT" root@$SSH_HOST:/workspace/checkpoints/ ${destination}/`;
    // 24: a file has vanished meanwhile, as those of a checkpoint do that is being saved.
    await asPerson(project, person, `${rsync} || [ $? = 24 ]`);
    const there = await remoteCheckpoints(project);
    const here = filesIn(destination);
    assert.ok(here.length > 0);
    assert.ok(here.some(({ name, sha256 }) => there.get(`./${name}`) === sha256));
  });

  await t.test("env: tmux attaches verbatim in a terminal, and ctrl-b d leaves it", async () => {
    await attachAndLeave(project, person, `${setEnv}; $SSH_CMD -t 'tmux attach -t train'`);
  });

  await t.test("ssh runs a command there: its bytes, its exit code, and options of its own", async () => {
    const script = "printf '\\377\\0' >/tmp/bytes; cat - >>/tmp/bytes; head -c 9 /tmp/bytes; exit 7";
    const text = await asPerson(
      project,
      person,
      `printf in | vast-run ssh "${script}" | od -An -tx1; echo \${PIPESTATUS[1]}`,
    );
    assert.equal(text, " ff 00 69 6e\n7\n");
    assert.match((await project.run("vast-run", ["ssh", "uname", "-s", "--help"])).stdout, /uname/);
  });

  await t.test("config: ssh, scp and rsync know the machine by the name of its stack", async () => {
    const config = join(person.home, ".ssh", "config");
    writeFileSync(config, "Host *\n  ProxyCommand false\n");
    const printed = await asPerson(project, person, "vast-run config");
    assert.match(printed, /^Include \S+\/vast-\*\.conf\n$/);
    assert.equal(readFileSync(config, "utf8"), "Host *\n  ProxyCommand false\n");
    const there = "/workspace/train.log";
    const fetched = ["scp", "rsync"].map(
      (way) => `${way} -q vast-local:${there} ${person.home}/${way} && test -s ${person.home}/${way}`,
    );
    await asPerson(project, person, ["vast-run config --install", "ssh vast-local true", ...fetched].join(" && "));
    assert.equal(readFileSync(config, "utf8"), `${printed}Host *\n  ProxyCommand false\n`);
  });

  await t.test("attach does the same, in a terminal that the machine does not know too", async () => {
    await attachAndLeave(project, person, "vast-run attach", "xterm-ghostty");
    const { code, stderr } = await project.run("vast-run", ["attach"], { env: { TERM: "dumb" } });
    assert.deepEqual([code, stderr.includes("attach needs a terminal")], [2, true]);
  });

  await t.test("ssh opens a login shell, which is told of a terminal that the machine knows", async () => {
    const run = { cwd: project.dir, env: project.env, term: "alacritty" };
    const keys = 'shopt login_shell; echo "it is $TERM"; exit 5\r';
    const { code, screen } = await runInPty("vast-run", ["ssh"], { ...run, seen: /[#$] $/, keys });
    assert.equal(code, 5, screen);
    assert.match(screen, /login_shell\s+on\s[\s\S]*it is xterm-256color/);
  });

  await t.test("logs shows as many lines as it is asked for", async () => {
    const { code, stdout } = await project.run("vast-run", ["logs", "-n", "3"]);
    assert.equal(code, 0);
    assert.equal(stdout.trim().split("\n").length, 3);
  });

  await t.test("logs -f follows until ^C, which is success", async () => {
    const result = await until(project, /loss/, "SIGINT", "vast-run", ["logs", "-f"]);
    assert.deepEqual([result.code, result.stderr], [0, ""]);
  });

  await t.test("status asks Vast and the machine: every figure has an answer", async () => {
    const { code, stdout, stderr } = await project.run("vast-run", ["status", "--json"]);
    assert.deepEqual([code, stderr], [0, ""]);
    const status = JSON.parse(stdout) as Status;
    assert.deepEqual(
      Object.entries(status.asked).filter(([, { at, why }]) => at === null || why !== null),
      [],
      stdout,
    );
    assert.deepEqual(
      [status.stack, status.phase, status.gpuUse, status.checkpointIsHome],
      ["local", "training", 0, false],
    );
    for (const name of ["step", "gpuMemoryOfBytes", "diskOfBytes", "upSeconds", "dollars", "onDemandPerHour"] as const)
      assert.ok((status[name] ?? 0) > 0, `${name}: ${stdout}`);
    assert.match(status.checkpoint ?? "", /^step_\d+$/);
  });

  await t.test("status --watch paints on a terminal until ^C, which is success", async () => {
    const env = project.env;
    const options = { cwd: project.dir, env, seen: /checkpoint +step_/, keys: "\x03" };
    const { code, screen } = await runInPty("vast-run", ["status", "--watch"], options);
    assert.equal(code, 0, screen);
    assert.match(screen, /^.*run +local, instance \d+, .*\r?\n/);
    t.diagnostic(screen.split("\x1b[J").at(-2) ?? "");
  });

  await t.test("sync prints the folder, and what is in it is what the machine has", async () => {
    const { code, stdout, stderr } = await project.run("vast-run", ["sync", "--to", "here"]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${join(project.dir, "here")}\n`);
    // What was being saved has another name by now.
    const here = filesIn(stdout.trim()).filter(({ name }) => !name.includes(".partial"));
    const there = await remoteCheckpoints(project);
    assert.ok(here.length > 0);
    for (const { name, sha256 } of here) assert.equal(there.get(`./${name}`), sha256, name);
  });

  await t.test("sync brings the log of training, and what it has written beside its checkpoints", async () => {
    await project.remote("cd /workspace/tiny-train && mkdir -p outputs && echo figures >outputs/figures");
    const { code, stderr } = await project.run("vast-run", ["sync", "--to", "here"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Beside them: [2-9] files, .*, in .*here\.brought$/m);
    const brought = join(project.dir, "here.brought");
    assert.equal(readFileSync(join(brought, "tiny-train/outputs/figures"), "utf8"), "figures\n");
    const log = readFileSync(join(brought, "train.log"), "utf8");
    assert.match(log, /loss/);
    assert.ok((await project.remote("cat /workspace/train.log")).startsWith(log.trimEnd()));
  });

  await t.test("sync brings what a link leads to, and names a link that it cannot follow", async () => {
    const data = "mkdir -p /workspace/data/run1 && echo far >/workspace/data/run1/far";
    const links = "ln -s /workspace/data/run1 run1 && ln -s /mnt/none/run2 run2";
    await project.remote(`${data} && cd /workspace/checkpoints && ${links}`);
    const { code, stdout, stderr } = await project.run("vast-run", ["sync", "--to", "linked"]);
    await project.remote("rm /workspace/checkpoints/run2");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Not fetched: run2 leads to \/mnt\/none\/run2, which is not there/m);
    assert.equal(readFileSync(join(stdout.trim(), "run1/far"), "utf8"), "far\n");
  });

  await t.test("sync --watch goes on through a lost connection, and ^C ends it, which is success", async () => {
    const rounds: string[] = [];
    const isStopped = (line: string) => /does not run: .*bids again; the next round tries again$/.test(line);
    const enough = Promise.withResolvers<void>();
    const { instanceId } = await project.outputs();
    const onLine = (line: string) => {
      if (!/^\d\d:\d\d /.test(line)) return;
      rounds.push(line);
      // Between two rounds, so that the next one finds the machine stopped, and a later one finds it back.
      if (rounds.length === 1) void project.simulator.post(`/_sim/instances/${instanceId}/outbid`, {});
      if (isStopped(line)) void project.simulator.post(`/_sim/instances/${instanceId}/release`, {});
      if (rounds.some(isStopped) && /verified, in/.test(line)) enough.resolve();
    };
    const command = project.start("vast-run", ["sync", "--watch", "--every", "0.05", "--to", "watched"], { onLine });
    const early = command.result.then((ended) => assert.fail(JSON.stringify(ended)));
    await Promise.race([enough.promise, early]);
    early.catch(() => {});
    command.signal("SIGINT");
    const { code } = await command.result;
    assert.equal(code, 0, rounds.join("\n"));
    assert.match(rounds[0] ?? "", /^\d\d:\d\d \d+ files, .*, verified.*, in .*watched$/);
    t.diagnostic(rounds.join("\n"));
  });

  await t.test("a stack that is not there is a usage error", async () => {
    const { code, stderr } = await project.run("vast-run", ["env", "--stack", "other"]);
    assert.equal(code, 2);
    assert.match(stderr, /no stack named 'other' found/);
  });

  await t.test("after the machine has vanished every command ends with exit code 4", async () => {
    const { instanceId } = await project.outputs();
    await project.simulator.post(`/_sim/instances/${instanceId}/vanish`, {});
    for (const command of ["env", "sync"]) {
      const { code, stdout, stderr } = await project.run("vast-run", [command]);
      assert.deepEqual([command, code, stdout], [command, 4, ""]);
      assert.match(stderr, new RegExp(`instance ${instanceId} does not exist any more`));
    }
  });

  await t.test(
    "the log of a machine that is over is read from home, and status says where the run stands",
    async () => {
      const [gone, logs] = [
        await project.run("vast-run", ["status"]),
        await project.run("vast-run", ["logs", "-n", "2"]),
      ];
      assert.match(gone.stdout, /^phase +gone, at the latest since/m);
      assert.equal(logs.code, 0);
      assert.match(
        logs.stderr,
        /does not exist any more\. This is the log as it was copied home on .*watched\.brought\/train\.log$/m,
      );
      const copy = readFileSync(join(project.dir, "watched.brought", "train.log"), "utf8");
      assert.equal(logs.stdout, `${copy.trimEnd().split("\n").slice(-2).join("\n")}\n`);
      const followed = await project.run("vast-run", ["logs", "-f", "-n", "1"]);
      assert.equal(followed.code, 0);
      assert.match(followed.stderr, /The run is over: nothing more comes$/m);
    },
  );

  await t.test("after destroy there is no instance to talk to", async () => {
    await project.works("destroy");
    const { code, stderr } = await project.run("vast-run", ["env"]);
    assert.equal(code, 4);
    assert.match(stderr, /The selected stack has no instance/);
    const status = await project.run("vast-run", ["status"]);
    assert.match(status.stdout, /^phase +released since .*\ncost +about \$\d\.\d\d, nothing now$/m);
  });

  await t.test("all of it was noted, each time with its run", () => {
    const { events } = new Events(join(project.home, "events"), {
      now: Date.now,
      say: assert.fail,
      program: "",
    }).read();
    const kinds: What[] = ["quoted", "rented", "ready", "lease moved", "started", "first line", "synced", "released"];
    assert.deepEqual(
      kinds.filter((kind) => !events.some(({ what, stack }) => what === kind && stack === "local")),
      [],
      JSON.stringify(events, undefined, 1),
    );
    const [run] = events.flatMap((event) => event.run ?? []);
    assert.deepEqual(
      events.filter((event) => event.run !== run && event.what !== "quoted"),
      [],
    );
    assert.match(events.find(({ what }) => what === "started")?.home ?? "", /checkpoints\/local\/\d+$/);
  });
});

/** Runs a command in a terminal, waits until training is on the screen, and leaves tmux. */
async function attachAndLeave(project: Project, person: Person, script: string, term = "xterm"): Promise<void> {
  const env = { ...project.env, ...person.env };
  const [file, args] = person.shell(script);
  const run = { cwd: project.dir, env, term };
  const { code, screen } = await runInPty(file, args, { ...run, seen: /loss/, keys: "\x02d" });
  assert.equal(code, 0, screen);
  assert.match(screen, /\[detached/);
}
