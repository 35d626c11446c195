import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import type { Address } from "../../components/pulumi/addresses.ts";
import { stub } from "../../components/pulumi/stub.ts";
import { type FakeEngine, fakeEngine } from "./fake-engine.ts";
import { installInto } from "./installed.ts";
import { simulate } from "./simulator.ts";

type Values = Record<string, unknown>;

/** What Pulumi takes for "made, but not as it should be". */
export interface InitFailure {
  readonly id: string;
  readonly properties: Values;
  readonly reasons: string[];
}

/** Pulumi's own process for dynamic resources, driven as the engine drives it. */
export interface ProviderProcess {
  readonly child: ChildProcess;
  /** What it printed as errors. */
  stderr(): string;
  check(olds: Values, news: Values): Promise<{ inputs: Values; failures: { property: string; reason: string }[] }>;
  diff(id: string, olds: Values, news: Values): Promise<{ changes: number; replaces: string[]; before: boolean }>;
  create(inputs: Values): Promise<{ id: string; outs: Values }>;
  update(id: string, olds: Values, news: Values): Promise<Values>;
  read(id: string, props: Values): Promise<{ id: string; props: Values }>;
  remove(id: string, props: Values): Promise<void>;
}

/** A provider process of one resource and its engine, on a simulator; `another` is a process beside it. */
export async function openProvider(t: TestContext, address: Address, options: Parameters<typeof simulate>[1] = {}) {
  const ends: (() => Promise<void>)[] = [];
  // The first hook, because hooks run in the order of their registration and the simulator goes with all its files.
  t.after(() => Promise.all(ends.map((end) => end())));
  const { home, env, simulator } = await simulate(t, options);
  const engine = await fakeEngine(t);
  const another = () => startProvider(ends, address, engine, env);
  return { home, simulator, engine, provider: await another(), another };
}

const patient = new URL("./patient.ts", import.meta.url).href;

/** @param ends what ends it is added here */
async function startProvider(
  ends: (() => Promise<void>)[],
  address: Address,
  engine: FakeEngine,
  env: NodeJS.ProcessEnv,
): Promise<ProviderProcess> {
  const dir = mkdtempSync(join(tmpdir(), "vast-provider-test-"));
  installInto(dir);
  const script = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/dynamic-provider/index.js");
  const child = spawn(process.execPath, ["--import", patient, script, engine.address], {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  let client: Client | undefined;
  ends.push(async () => {
    client?.close();
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(dir, { recursive: true, force: true });
  });
  const [port] = await once(createInterface({ input: child.stdout }), "line");
  client = new service.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  await call(client.configure, client, withFields(new messages.ConfigureRequest(), { Args: {} }));
  return { ...driver(client, stub(address)), child, stderr: () => stderr };
}

type Client = InstanceType<typeof service.ResourceProviderClient>;

function driver(client: Client, __provider: string): Omit<ProviderProcess, "child" | "stderr"> {
  const own = (values: Values) => ({ ...values, __provider });
  return {
    check: async (olds, news) => {
      const answer = await call(
        client.check,
        client,
        withFields(new messages.CheckRequest(), { Olds: olds, News: own(news) }),
      );
      const failures = answer.getFailuresList().map((failure: { getProperty(): string; getReason(): string }) => ({
        property: failure.getProperty(),
        reason: failure.getReason(),
      }));
      return { inputs: answer.getInputs().toJavaScript(), failures };
    },
    diff: async (id, olds, news) => {
      const request = withFields(new messages.DiffRequest(), { Olds: own(olds), News: own(news) });
      const answer = await call(client.diff, client, withId(request, id));
      return {
        changes: answer.getChanges(),
        replaces: answer.getReplacesList(),
        before: answer.getDeletebeforereplace(),
      };
    },
    create: async (inputs) => {
      const answer = await call(
        client.create,
        client,
        withFields(new messages.CreateRequest(), { Properties: own(inputs) }),
      );
      return { id: answer.getId(), outs: answer.getProperties().toJavaScript() };
    },
    update: async (id, olds, news) => {
      const request = withFields(new messages.UpdateRequest(), { Olds: own(olds), News: own(news) });
      return (await call(client.update, client, withId(request, id))).getProperties().toJavaScript();
    },
    read: async (id, props) => {
      const request = withFields(new messages.ReadRequest(), { Properties: own(props) });
      const answer = await call(client.read, client, withId(request, id));
      return { id: answer.getId(), props: answer.getProperties().toJavaScript() };
    },
    remove: async (id, props) => {
      const request = withFields(new messages.DeleteRequest(), { Properties: own(props) });
      await call(client.delete, client, withId(request, id));
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the generated messages have no common type
type Any = any;

function withFields(request: Any, fields: Record<string, Values>): Any {
  for (const [name, values] of Object.entries(fields))
    request[`set${name}`](structs.Struct.fromJavaScript(values as Any));
  return request;
}

function withId(request: Any, id: string): Any {
  request.setId(id);
  return request;
}

function call(method: Any, client: Client, request: Any): Promise<Any> {
  return new Promise((resolve, reject) => {
    method.call(client, request, (error: ServiceError | null, answer: Any) =>
      error === null ? resolve(answer) : reject(error),
    );
  });
}

/** The partial failure in an error of create or update; undefined = there is none. */
export function initFailure(error: unknown): InitFailure | undefined {
  const [bytes] = (error as ServiceError).metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Uint8Array)) return undefined;
  const [any] = status.Status.deserializeBinary(bytes).getDetailsList();
  const detail = messages.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() ?? new Uint8Array());
  return {
    id: detail.getId(),
    properties: detail.getProperties()?.toJavaScript() as Values,
    reasons: detail.getReasonsList(),
  };
}
