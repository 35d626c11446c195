import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../scripts/lib/workspace.ts";
import { complaintsAbout, namedIn, type Rules, type Source } from "./support/rooms.ts";

/**
 * The program, the ground first: a room imports only from rooms on lower floors, and those on one floor do not know each
 * other. Rooms to come have their places: `components/policy` beside `lib`.
 */
const PROGRAM: Rules = {
  floors: [
    ["components/lib", "components/programs"],
    ["components/credentials", "components/vast/limits"],
    ["components/pulumi", "components/ssh", "components/registry"],
    ["components/remote", "components/vast/client", "components/vast/ledger", "components/checkpoints/store"],
    [
      "components/checkpoints/copy",
      "components/vast/market",
      "components/vast/journal",
      "components/events",
      "components/vast/lease",
      "components/code/git",
    ],
    ["components/vast/ready", "components/config"],
    ["components/vast/rental", "components/code"],
    ["components/vast/instance", "components/image/build"],
    ["components/checkpoints", "components/steps", "components/image"],
    ["components/run/shown"],
    ["components/run"],
    [".", "cli/command"],
    ["cli/fleet"],
    ["cli/machine", "cli/market", "cli/recover", "cli/sweep"],
    ["cli/facts"],
    ["cli/status"],
    ["cli/commands"],
    ["cli"],
  ],
  most: { components: 12, cli: 12 },
  packages: {
    "@grpc/": ["components/pulumi"],
    // Whatever rents, logs in or asks a registry has no word of Pulumi.
    "@pulumi/": [
      ".",
      "components/run",
      "components/run/shown",
      "components/steps",
      "components/checkpoints",
      "components/image",
      "components/image/build",
      "components/vast/instance",
      "components/code",
      "components/config",
      "components/pulumi",
    ],
  },
};

/** The simulator is an independent witness: it has no floor of the program, so it imports nothing of it. */
const SIMULATOR: Rules = {
  floors: [
    ["simulator/base"],
    ["simulator/market", "simulator/faults", "simulator/hosts"],
    ["simulator/stores", "simulator/contracts"],
    ["simulator/world"],
    ["simulator/api"],
    ["simulator"],
  ],
  most: { simulator: 20 },
  packages: { "@pulumi/": [] },
};

function sourcesIn(...patterns: string[]): Source[] {
  const paths = globSync(patterns, { cwd: projectDir });
  return paths.sort().map((path) => [path, readFileSync(join(projectDir, path), "utf8")]);
}

test("in the program imports point down, and there is no circle", () => {
  assert.deepEqual(complaintsAbout(sourcesIn("index.ts", "components/**/*.ts", "cli/**/*.ts"), PROGRAM), []);
});

test("in the simulator too, and it imports nothing of the program", () => {
  assert.deepEqual(complaintsAbout(sourcesIn("simulator/**/*.ts"), SIMULATOR), []);
});

/** What is wrong with a file of this text beside those that are there. */
function wrongWith(path: string, text: string, rules = PROGRAM): string[] {
  const others: Source[] = [["components/ssh/ssh-key.ts", ""]];
  return complaintsAbout([...others, [path, text]], rules);
}

test("each way to name a module is seen", () => {
  const text = `
    import { a } from "./a.ts";
    import type { B } from "./b.ts";
    import "./c.ts";
    export { d } from "./d.ts";
    export * from "./e.ts";
    type F = import("./f.ts").F;
    const g: typeof import("./g.ts") = await import(\`./h.ts\`);
    import x = require("./i.ts");
    const text = 'import { z } from "./z.ts"'; // import { y } from "./y.ts"
  `;
  const letters = namedIn(["x.ts", text]).map((name) => name.slice(2, 3));
  assert.deepEqual(letters.sort(), ["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
});

test("what goes up or sideways is named, by whichever way it imports", () => {
  const upwards: [file: string, imports: string][] = [
    ["components/lib/x.ts", "../ssh/ssh-key.ts"],
    ["components/ssh/x.ts", "../vast/client/client.ts"],
    ["components/ssh/x.ts", "../registry/session.ts"],
    ["components/vast/client/x.ts", "../market/offers.ts"],
    ["components/vast/rental/x.ts", "../instance/instance.ts"],
    ["components/vast/rental/x.ts", "../../config/../run/keys.ts"],
    ["components/checkpoints/x.ts", "../steps/step.ts"],
    ["components/run/x.ts", "../../cli/main.ts"],
    ["components/run/x.ts", "../../scripts/test.ts"],
    ["components/run/x.ts", "../../simulator/index.ts"],
    ["components/run/x.ts", "../../test/support/rooms.ts"],
    ["cli/command/x.ts", "../sweep/sweep.ts"],
  ];
  for (const [file, imports] of upwards) {
    const ways = [`import "${imports}";`, `import type { A } from "${imports}";`, `await import("${imports}");`];
    for (const text of ways) {
      const [line, ...more] = wrongWith(file, text);
      assert.match(line ?? "", new RegExp(`^${file} imports .* which does not stand below it$`), text);
      assert.deepEqual(more, []);
    }
  }
  for (const imports of ["../../components/lib/text.ts", "../../cli/main.ts", "../../scripts/test.ts"])
    assert.equal(
      wrongWith("simulator/base/x.ts", `import "${imports}";`, {
        ...SIMULATOR,
        floors: [...SIMULATOR.floors, ["components/ssh"]],
      }).length,
      1,
    );
  assert.deepEqual(wrongWith("components/vast/client/x.ts", 'import "../../ssh/ssh-key.ts";'), []);
});

test("a file without a room, a crowded room, a circle and a foreign package are named", () => {
  assert.deepEqual(wrongWith("components/x.ts", ""), ["components/x.ts is in no room"]);
  assert.deepEqual(wrongWith("components/vast/x.ts", ""), ["components/vast/x.ts is in no room"]);
  const many = Array.from({ length: 13 }, (_, number): Source => [`components/lib/x${number}.ts`, ""]);
  assert.deepEqual(complaintsAbout(many, PROGRAM), ["components/lib has 13 files, more than 12"]);
  const circle: Source[] = [
    ["components/run/a.ts", 'import type { B } from "./b.ts";'],
    ["components/run/b.ts", 'await import("./c.ts");'],
    ["components/run/c.ts", 'import { a } from "./a.ts";'],
  ];
  assert.deepEqual(complaintsAbout(circle, PROGRAM), [
    "circle: components/run/a.ts -> components/run/b.ts -> components/run/c.ts -> components/run/a.ts",
  ]);
  const [line] = wrongWith("components/vast/rental/x.ts", 'import * as pulumi from "@pulumi/pulumi";');
  assert.match(line ?? "", /^components\/vast\/rental\/x\.ts imports @pulumi\/, which only /);
});
