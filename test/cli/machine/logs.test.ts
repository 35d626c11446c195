import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openProject, type Project } from "../../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

/** `vast-run logs -f`, and lines to wait for. */
function follow(project: Project, ...more: string[]) {
  const lines: string[] = [];
  let look = () => {};
  const onLine = (line: string) => {
    lines.push(line);
    look();
  };
  const command = project.start("vast-run", ["logs", "-f", ...more], { onLine });
  const result = command.result.then((ended) => {
    look = () => assert.fail(JSON.stringify(ended));
    return ended;
  });
  /** A line that comes after those which have been waited for. */
  const line = async (wanted: RegExp) => {
    for (;;) {
      const at = lines.findIndex((text) => wanted.test(text));
      if (at >= 0) return lines.splice(0, at + 1).at(-1) ?? "";
      await Promise.race([
        new Promise<void>((resolve) => (look = resolve)),
        result.then((ended) => assert.fail(`no ${wanted}: ${JSON.stringify(ended)}`)),
      ]);
    }
  };
  return { line, interrupt: () => command.signal("SIGINT"), result };
}

test("logs -f shows each line once, whatever happens to the connection and the machine", {
  skip: needsRoot,
}, async (t: TestContext) => {
  const project = await openProject(t);
  await project.works("up", "--skip-preview");
  const { instanceId } = await project.outputs();
  const happen = (what: string, more: object = {}) =>
    project.simulator.post(`/_sim/instances/${instanceId}/${what}`, more);
  const say = (text: string) => project.remote(`echo ${text} >>/workspace/train.log`);
  const log = follow(project, "-n", "1000000");
  await log.line(/loss/);

  await happen("sshCut");
  assert.match(await log.line(/connection broke/), /^\d\d:\d\d the connection broke/);
  await say("after the cut");
  await log.line(/^after the cut$/);

  await happen("outbid");
  const outbid = await log.line(/does not run/);
  assert.match(
    outbid,
    /^\d\d:\d\d instance \d+ does not run: stopped: outbid, .*; pulumi up --refresh -s local bids again\. Waiting for it/,
  );
  await happen("release");
  await log.line(/^\d\d:\d\d connected again$/);

  await say("the end");
  await log.line(/^the end$/);
  await project.remote("cd /workspace && mv train.log logs/train-99990101-000000.log");
  await say("of a new start");
  await log.line(/^of a new start$/);
  log.interrupt();
  const { code, stdout } = await log.result;
  assert.equal(code, 0);
  assert.match(stdout, /\nof a new start\n$/);
  // Training goes on in the file that was put aside.
  const kept = await project.remote("cat /workspace/logs/train-*.log");
  const [shown] = stdout.split("\nthe end\n");
  assert.equal(shown, kept.split("\nthe end\n")[0]);
  await project.works("destroy");
});
