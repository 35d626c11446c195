import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, openBench } from "../support/simulator.ts";
import { officialClient, vastai } from "../support/vastai-client.ts";

test("Vast's official client drives the simulator through a whole rental", async (t) => {
  const python = await officialClient(t);
  if (python === undefined) return;
  const { simulator, clock, ledgerOf } = await openBench(t, { pace: true, timings: { logs: 0 } });
  const command = vastai(t, python, simulator.url, simulator.apiKey);
  /** Between two commands a person takes longer than Vast's limits. */
  const works = async (...args: string[]): Promise<string> => {
    await clock.advance(10);
    const { code, stdout, stderr } = await command(...args);
    assert.ok(code === 0 && !/error|failed/i.test(stderr), `vastai ${args.join(" ")}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const raw = async (...args: string[]): Promise<Body> => JSON.parse(await works(...args, "--raw"));

  const query = "gpu_name=RTX_4090 num_gpus>=2 reliability>0.9 gpu_ram>=20 duration>1 geolocation notin [CN,VN]";
  const offers = await raw("search", "offers", query, "--type", "bid", "-o", "dph_total", "--storage", "40");
  assert.ok(offers.length > 0);
  for (const offer of offers) {
    assert.equal(offer.gpu_name, "RTX 4090");
    assert.ok(offer.num_gpus >= 2 && offer.is_bid && offer.rentable && offer.verification === "verified");
  }
  assert.match(await works("search", "offers", query), /RTX_4090/);
  assert.ok((await raw("search", "offers", "gpu_name=H100_SXM num_gpus=1", "--new")).length > 0);

  const [offer] = offers;
  const price = String(offer.min_bid + 0.05);
  const created = await raw(
    ...[
      "create",
      "instance",
      String(offer.id),
      "--image",
      "pytorch/pytorch:2.4.0",
      "--disk",
      "40",
      "--ssh",
      "--direct",
    ],
    ...["--bid_price", price, "--label", "mine", "--env", "-e RUN=7 -p 8080:8080", "--onstart-cmd", "touch /root/ok"],
    "--cancel-unavail",
  );
  assert.equal(created.success, true);
  const id = String(created.new_contract);

  const [row] = await raw("show", "instances");
  assert.equal(String(row.id), id);
  assert.equal(row.actual_status, "running");
  assert.equal(row.is_bid, true);
  assert.deepEqual(row.extra_env, { RUN: "7", "-p 8080:8080": "1" });
  assert.match(await works("show", "instances"), /mine/);
  assert.equal((await works("show", "instances", "-q")).trim(), id);
  assert.equal((await raw("show", "instance", id)).label, "mine");
  assert.match(await works("show", "instance", id), new RegExp(id));

  const [{ HostPort }] = row.ports["22/tcp"];
  assert.equal((await works("ssh-url", id)).trim(), `ssh://root@127.0.0.1:${HostPort}`);

  assert.match(await works("label", "instance", id, "other"), /label for \d+ set to other/);
  assert.match(await works("change", "bid", id, "--price", "3.5"), /bid price changed/);
  const changed = await raw("show", "instance", id);
  assert.deepEqual([changed.label, changed.dph_base], ["other", 3.5]);

  assert.match(await works("attach", "ssh", id, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me"), /'success': True/);
  const keys = simulator.world.contracts.get(Number(id))?.keys.map(({ publicKey }) => publicKey);
  assert.deepEqual(keys, ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me"]);
  await works("logs", id, "--tail", "10");

  assert.match(await works("stop", "instance", id), /stopping instance/);
  assert.match(await works("start", "instance", id), /starting instance/);
  assert.match(await works("reboot", "instance", id), /Rebooting instance/);
  assert.ok((await raw("show", "user")).credit < 100);

  assert.match(await works("destroy", "instance", id, "-y"), /destroying instance/);
  assert.deepEqual(await raw("show", "instances"), []);
  assert.ok((await ledgerOf(Number(id))).destroyedAt !== null);
});

test("the official client tells its user what the simulator refuses", async (t) => {
  const python = await officialClient(t);
  if (python === undefined) return;
  const { simulator } = await openBench(t);
  const command = vastai(t, python, simulator.url, simulator.apiKey);
  const taken = await command("create", "instance", "123", "--image", "a/b", "--ssh");
  assert.match(taken.stderr, /404: error 404\/3603: no_such_ask/);
  const wrong = vastai(t, python, simulator.url, "wrong");
  assert.match((await wrong("show", "instances")).stderr, /404: Invalid user key/);
  assert.match((await command("show", "instance", "42")).stderr, /not found/);
});
