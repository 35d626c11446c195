import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { realHosts } from "../../../simulator/hosts/index.ts";
import { needsRoot, run, temporaryFolder } from "../../support/hosts.ts";

const namespaceModule = join(import.meta.dirname, "../../../simulator/hosts/namespace.ts");

/** What requireNamespaces says in a process that is changed beforehand. */
async function sentence(folder: string, prepare: string, wrapper: string[] = []): Promise<string> {
  const code = `
    ${prepare}
    const { requireNamespaces } = await import(${JSON.stringify(namespaceModule)});
    try { console.log("may: " + await requireNamespaces(${JSON.stringify(folder)})); } catch (error) { console.log(error.message); }`;
  const [program = process.execPath, ...words] = [...wrapper, process.execPath, "--input-type=module", "--eval", code];
  const { stdout, stderr } = await run(program, words);
  return stdout.trim() || stderr;
}

test("not root: one sentence", async (t) => {
  const folder = temporaryFolder(t);
  const said = await sentence(folder, "process.geteuid = () => 1000;");
  assert.equal(said, "The simulator's machines need root, because each is a set of namespaces; this is user 1000.");
});

test("not Linux: one sentence", async (t) => {
  const folder = temporaryFolder(t);
  const said = await sentence(folder, 'Object.defineProperty(process, "platform", { value: "darwin" });');
  assert.equal(said, "The simulator's machines need Linux, because each is a set of namespaces; this is darwin.");
});

test("root that may not mount, as in a container: one sentence", needsRoot, async (t) => {
  const folder = temporaryFolder(t);
  const said = await sentence(folder, "", ["setpriv", "--bounding-set=-sys_admin"]);
  assert.match(
    said,
    /^The simulator's machines need .* this system refuses \(unshare: .*\); in a container .* SYS_ADMIN/,
  );
  assert.equal(said.split("\n").length, 1);
});

test("root that may is told how files are kept", needsRoot, async (t) => {
  const folder = temporaryFolder(t);
  assert.match(await sentence(folder, ""), /^may: (overlay|copy)$/);
});

test("a folder that holds more than machines keeps the rest", needsRoot, async (t) => {
  const folder = temporaryFolder(t);
  for (const name of ["5", "notes", "base"]) mkdirSync(join(folder, name));
  chmodSync(folder, 0o700);
  const hosts = await realHosts({ home: folder });
  await hosts.close();
  const { stdout } = await run("ls", [folder]);
  assert.equal(stdout, "notes\n");
});
