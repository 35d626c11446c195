import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { notAll } from "../../../support/all.ts";
import { openProgram } from "../../../support/program.ts";

test("a key that may not read the user: another account's finds nothing gone, the one that rented it does", {
  skip: notAll,
}, async (t) => {
  const program = await openProgram(t);
  const { simulator, home } = program;
  const keyFile = join(home, "simulator", "api_key");
  await program.works("up", ["--skip-preview"]);
  const { instanceId } = await program.outputs();
  assert.ok(!(await program.state()).includes(simulator.apiKey));

  await simulator.post("/_sim/account", { otherKeys: [{ key: "stranger", accountId: 5 }] });
  await simulator.post("/_sim/faults", { on: "GET /users/current/", do: "forbidden403", times: 0 });
  writeFileSync(keyFile, "stranger\n");
  const unseen = new RegExp(
    `instance ${instanceId} cannot be seen, and may still be there: .*` +
      `may read the user.*VAST_ACCOUNT_IS_SAME=${instanceId} before the command`,
  );
  for (const command of ["refresh", "destroy"]) {
    const { code, stdout, stderr } = await program.pulumi(command);
    assert.notEqual(code, 0, command);
    assert.match(stdout + stderr, unseen, command);
  }
  assert.match(await program.state(), /"pulumi-nodejs:dynamic:Instance"/);
  assert.equal((await simulator.ledger()).living, 1);

  writeFileSync(keyFile, `${simulator.apiKey}\n`);
  await simulator.post(`/_sim/instances/${instanceId}/vanish`, {});
  await program.works("refresh");
  assert.doesNotMatch(await program.state(), /"pulumi-nodejs:dynamic:Instance"/);
  await program.works("destroy");
});
