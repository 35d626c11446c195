import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFault } from "../../../simulator/api/check-fault.ts";
import { type HandClock, handClock } from "../../../simulator/base/clock.ts";
import { timingsFor } from "../../../simulator/base/timings.ts";
import type { Contract } from "../../../simulator/contracts/contract.ts";
import { newContract } from "../../../simulator/contracts/rent.ts";
import type { Fault } from "../../../simulator/faults/fault.ts";
import type { HostSpec, Hosts } from "../../../simulator/hosts/types.ts";
import { Blobs } from "../../../simulator/stores/blobs.ts";
import { happen, schedule } from "../../../simulator/world/mishaps.ts";
import { ledger, makeWorld, type World } from "../../../simulator/world/world.ts";

interface Stage {
  readonly world: World;
  readonly clock: HandClock;
  readonly contract: Contract;
  /** What the machine was told, in order. */
  readonly told: string[];
  readonly specs: HostSpec[];
}

const ORDER = {
  image: "a/b:1",
  diskGb: 20,
  env: { RUN: "1", "-p 8080:8080": "1" },
  onstart: "true",
  runtype: "ssh_direc ssh_proxy",
  args: [],
  vm: false,
};

/** A world whose machines write down what they are told. */
function openStage(order: Partial<Contract["order"]> = {}, failing = "", fault?: Fault): Stage {
  const clock = handClock();
  const told: string[] = [];
  const specs: HostSpec[] = [];
  const note = (what: string) => async () => {
    told.push(what);
    if (what === failing) throw new Error(`no ${what}`);
  };
  let port = 1000;
  const hosts: Hosts = {
    image: () => ({ ok: true, compressedMb: 100 }),
    create: async (spec) => {
      specs.push(spec);
      await note("create")();
      return {
        get directPort() {
          return port;
        },
        proxyPort: 2000,
        start: note("start"),
        openSshd: note("sshd"),
        setLink: (which, link) => note(`${which} ${link}`)(),
        authorize: (keys) => note(`keys ${keys.join(",")}`)(),
        rerollPorts: async () => {
          port += 1;
          await note("reroll")();
        },
        cut: note("cut"),
        loseGpus: note("lose gpus"),
        traffic: { down: 1_000_000_000, up: 2_000_000_000 },
        logs: async (tail) => `log ${tail}`,
        stop: note("stop"),
        destroy: note("destroy"),
      };
    },
    close: async () => {},
  };
  const world = makeWorld({
    clock,
    timings: timingsFor(undefined),
    seed: 1,
    market: 1,
    hosts,
    apiKey: "key",
    unknownKeyStatus: 404,
    pace: true,
    log: () => {},
    mishap: schedule,
    checkFault,
    blobs: new Blobs(clock),
  });
  world.url = "http://127.0.0.1:1";
  world.account.keys.push({ id: 1, publicKey: "K1", createdAt: 0 });
  if (fault !== undefined) world.faults.add(fault);
  const [offer] = world.market.offers();
  assert.ok(offer);
  const contract = newContract(world, offer, { ...ORDER, ...order }, { label: "l", bid: 30 });
  world.life.boot(contract);
  return { world, clock, contract, told, specs };
}

test("a machine is made, started, and its two ways in open one after the other", async () => {
  const { clock, told, specs, contract } = openStage();
  await clock.advance(2.5);
  assert.deepEqual(told, ["create", "start", "keys K1"]);
  await clock.advance(0.5);
  assert.deepEqual(told.splice(0), ["create", "start", "keys K1", "sshd", "direct open"]);
  await clock.advance(0.5);
  assert.deepEqual(told, ["proxy open"]);
  assert.deepEqual(contract.endpoints, { direct: 1000, proxy: 2000 });
  const { gpuName, gpus, gpuRamMb, instanceApiKey, ...spec } = specs[0] ?? ({} as HostSpec);
  assert.deepEqual(spec, {
    id: contract.id,
    image: "a/b:1",
    diskGb: 20,
    env: { RUN: "1" },
    onstart: "true",
    runtype: "ssh_direc ssh_proxy",
    authorizedKeys: ["K1"],
    apiUrl: "http://127.0.0.1:1",
    label: "l",
    publicIp: "127.0.0.1",
    imageLogin: null,
    vm: false,
  });
  assert.equal(instanceApiKey, contract.apiKey);
  assert.equal(`${gpuName} ${gpus} ${gpuRamMb}`, "H100 SXM 8 81559");
});

test("what goes through the ports of a machine is billed, also when the machine is gone", async () => {
  const { world, clock, contract } = openStage();
  await clock.advance(10);
  const { trafficCost } = contract.offer.machine;
  assert.ok(Math.abs((ledger(world).contracts[0]?.cost.traffic ?? 0) - 3 * trafficCost) < 1e-9);
  world.life.recycle(contract);
  await clock.advance(10);
  const [line] = ledger(world).contracts;
  assert.ok(line);
  assert.deepEqual(line.traffic, { downGb: 2, upGb: 4 });
  assert.ok(Math.abs(line.cost.total - line.cost.gpu - line.cost.disk - 6 * trafficCost) < 1e-6);
});

test("keys that the launcher takes out: once, for a while, and for ever", async () => {
  const clobbered = async (fault: Partial<Fault>, seconds: number) => {
    const stage = openStage({}, "", { on: "boot", do: "", ...fault });
    await stage.clock.advance(2.5);
    stage.told.length = 0;
    await stage.clock.advance(seconds);
    return stage.told.filter((word) => word.startsWith("keys"));
  };
  assert.deepEqual(await clobbered({ do: "keyClobbered", seconds: 4 }, 60), ["keys "]);
  assert.deepEqual(await clobbered({ do: "keyLate", seconds: 2 }, 60), ["keys ", "keys K1"]);
  assert.deepEqual(new Set(await clobbered({ do: "keyNever" }, 60)), new Set(["keys "]));
});

test("a restart that makes the machine anew, and a reboot that moves the ports", async () => {
  const anew = openStage();
  await anew.clock.advance(10);
  anew.world.life.stop(anew.contract);
  await anew.clock.advance(5);
  anew.told.length = 0;
  anew.world.faults.add({ on: "boot", do: "hostKeyChanged" });
  anew.world.life.start(anew.contract);
  await anew.clock.advance(10);
  assert.deepEqual(anew.told.slice(0, 3), ["destroy", "create", "start"]);
  const moved = openStage();
  await moved.clock.advance(10);
  moved.told.length = 0;
  moved.world.faults.add({ on: "boot", do: "portChangesOnRestart" });
  moved.world.life.reboot(moved.contract);
  await moved.clock.advance(10);
  assert.deepEqual(moved.told.slice(0, 3), ["stop", "reroll", "start"]);
});

test("what is done to a machine that is up: sessions cut, GPUs lost, keys taken out", async () => {
  const { world, clock, contract, told } = openStage();
  await clock.advance(10);
  told.length = 0;
  for (const name of ["sshCut", "gpuLost", "keysClobbered"]) assert.equal(happen(world, contract, name, {}), undefined);
  await contract.work;
  assert.deepEqual(told, ["cut", "lose gpus", "keys "]);
});

test("outbid its processes die; back again it has other ports and the same disk", async () => {
  const { world, clock, contract, told } = openStage();
  await clock.advance(10);
  told.length = 0;
  happen(world, contract, "outbid", { forSeconds: 1 });
  await clock.advance(10);
  assert.deepEqual(told, ["stop", "reroll", "start", "keys K1", "sshd", "direct open", "proxy open"]);
  assert.equal(contract.endpoints?.direct, 1001);
});

test("a recycled machine is made when the old one is gone", async () => {
  const { world, clock, contract, told } = openStage();
  await clock.advance(10);
  told.length = 0;
  world.life.recycle(contract);
  await clock.advance(10);
  assert.deepEqual(told.slice(0, 3), ["destroy", "create", "start"]);
});

test("a stop and a destruction reach the machine", async () => {
  const { world, clock, contract, told } = openStage();
  await clock.advance(10);
  told.length = 0;
  world.life.stop(contract);
  await clock.advance(10);
  world.life.destroy(contract);
  await clock.advance(10);
  assert.deepEqual(told, ["stop", "destroy"]);
});

test("an attached key arrives a moment later", async () => {
  const { world, clock, contract, told } = openStage();
  await clock.advance(10);
  contract.keys.push({ id: 2, publicKey: "K2" });
  world.life.keysChanged(contract);
  await clock.advance(1);
  assert.equal(told.at(-1), "keys K1,K2");
});

test("a way in can be dead from the start, late, or break later", async () => {
  const { world, clock, contract, told } = openStage();
  world.faults.add({ on: "boot", do: "directDead" });
  world.faults.add({ on: "boot", do: "proxyDead", link: "closed" });
  world.life.recycle(contract);
  await clock.advance(10);
  const links = told.filter((what) => /^(direct|proxy)/.test(what));
  assert.deepEqual(new Set(links), new Set(["direct blackhole", "proxy closed"]));
  told.length = 0;
  happen(world, contract, "link", { which: "proxy", link: "drop" });
  await contract.work;
  assert.deepEqual(told, ["proxy drop"]);

  world.faults.add({ on: "boot", do: "sshLate", seconds: 30 });
  world.life.reboot(contract);
  await clock.advance(20);
  assert.ok(!told.includes("sshd"));
  await clock.advance(20);
  assert.ok(told.includes("sshd"));
});

test("without a direct way in the direct port stays shut", async () => {
  const { clock, told } = openStage({ runtype: "ssh_proxy" });
  await clock.advance(10);
  assert.ok(!told.includes("direct open"));
  assert.ok(told.includes("proxy open"));
});

test("a machine that cannot be made or started shows docker's words", async () => {
  for (const failing of ["create", "start"]) {
    const { clock, contract } = openStage({}, failing);
    await clock.advance(10);
    assert.equal(contract.state, "image_error");
    assert.match(contract.statusMsg ?? "", new RegExp(`Error response from daemon: no ${failing}`));
  }
});

test("the log comes from the machine", async () => {
  const { world, clock, contract } = openStage();
  assert.equal(await world.life.logs(contract, 5), "");
  await clock.advance(10);
  assert.equal(await world.life.logs(contract, 5), "log 5");
});
