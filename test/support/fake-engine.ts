import type { TestContext } from "node:test";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

export interface Logged {
  readonly urn: string;
  readonly text: string;
  readonly ephemeral: boolean;
}

/** An engine that only listens to what is logged. */
export interface FakeEngine {
  readonly address: string;
  readonly logged: Logged[];
  /** As kill -9 would: nothing answers there any more. */
  kill(): void;
}

export async function fakeEngine(t: TestContext): Promise<FakeEngine> {
  const logged: Logged[] = [];
  const server = new Server();
  server.addService(engineService.EngineService as never, {
    log: (call: { request: LogRequest }, done: (error: null, answer: unknown) => void) => {
      const { request } = call;
      logged.push({ urn: request.getUrn(), text: request.getMessage(), ephemeral: request.getEphemeral() });
      done(null, new empty.Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, logged, kill: () => server.forceShutdown() };
}
