import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import type { Message } from "google-protobuf";
import empties from "google-protobuf/google/protobuf/empty_pb.js";
import structs, { type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";

/** Properties as Pulumi sends them: secrets are wrapped, unknown values are one sentinel text. */
export type Properties = Record<string, unknown>;

export interface CheckFailure {
  property: string;
  reason: string;
}

/**
 * A provider that has a configuration and can tell a preview from an update, which a provider served by the `main()` of
 * Pulumi's SDK cannot. Every method may throw an error with a message for the user.
 */
export interface Plugin {
  readonly version: string;
  readonly schema: object;
  checkConfig(config: Properties): CheckFailure[];
  configure(config: Properties): Promise<void>;
  check(urn: string, news: Properties): Promise<{ inputs: Properties; failures: CheckFailure[] }>;
  /** Names of the inputs that changed. A change is always an update, never a replacement. */
  diff(urn: string, olds: Properties, news: Properties): string[];
  create(urn: string, inputs: Properties): Promise<{ id: string; outs: Properties }>;
  update(urn: string, olds: Properties, news: Properties): Promise<Properties>;
  cancel(): void;
}

/** Serves until the process ends; Pulumi reads the port from standard output. */
export async function serve(plugin: Plugin): Promise<void> {
  const server = new Server();
  server.addService(services.ResourceProviderService, { ...aboutItself(plugin), ...resources(plugin) });
  const port = await new Promise<number>((resolve, reject) => {
    const ready = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), ready);
  });
  console.log(`${port}`);
}

function aboutItself(plugin: Plugin) {
  return {
    getPluginInfo: answer(async () => new pluginMessages.PluginInfo().setVersion(plugin.version)),
    getSchema: answer(async () => new messages.GetSchemaResponse().setSchema(JSON.stringify(plugin.schema))),
    cancel: answer(async () => {
      plugin.cancel();
      return new empties.Empty();
    }),
    checkConfig: answer(async (request: InstanceType<typeof messages.CheckRequest>) =>
      new messages.CheckResponse()
        .setInputs(request.getNews())
        .setFailuresList(plugin.checkConfig(plain(request.getNews())).map(failure)),
    ),
    configure: answer(async (request: InstanceType<typeof messages.ConfigureRequest>) => {
      await plugin.configure(plain(request.getArgs()));
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
  };
}

function resources(plugin: Plugin) {
  return {
    check: answer(async (request: InstanceType<typeof messages.CheckRequest>) => {
      const { inputs, failures } = await plugin.check(request.getUrn(), plain(request.getNews()));
      return new messages.CheckResponse().setInputs(struct(inputs)).setFailuresList(failures.map(failure));
    }),
    diff: answer(async (request: InstanceType<typeof messages.DiffRequest>) => {
      const changed = plugin.diff(request.getUrn(), plain(request.getOlds()), plain(request.getNews()));
      const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
      return new messages.DiffResponse().setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE).setDiffsList(changed);
    }),
    create: answer(async (request: InstanceType<typeof messages.CreateRequest>) => {
      const response = new messages.CreateResponse();
      if (request.getPreview()) return response.setProperties(request.getProperties());
      const { id, outs } = await plugin.create(request.getUrn(), plain(request.getProperties()));
      return response.setId(id).setProperties(struct(outs));
    }),
    update: answer(async (request: InstanceType<typeof messages.UpdateRequest>) => {
      const response = new messages.UpdateResponse();
      if (request.getPreview()) return response.setProperties(request.getNews());
      const outs = await plugin.update(request.getUrn(), plain(request.getOlds()), plain(request.getNews()));
      return response.setProperties(struct(outs));
    }),
    read: answer(async (request: InstanceType<typeof messages.ReadRequest>) =>
      new messages.ReadResponse()
        .setId(request.getId())
        .setProperties(request.getProperties())
        .setInputs(request.getInputs()),
    ),
    delete: answer(async () => new empties.Empty()),
  };
}

/** A method of the protocol; what it throws becomes the error that Pulumi shows. */
function answer<Request extends Message, Response extends Message>(method: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    method(call.request).then(
      (response) => callback(null, response),
      (error: Error) => callback({ code: status.UNKNOWN, message: error.message } as ServiceError),
    );
  };
}

function plain(properties: InstanceType<typeof structs.Struct> | undefined): Properties {
  return properties?.toJavaScript() ?? {};
}

function struct(properties: Properties) {
  const known = Object.entries(properties).filter(([, value]) => value !== undefined);
  return structs.Struct.fromJavaScript(Object.fromEntries(known) as Record<string, JavaScriptValue>);
}

function failure({ property, reason }: CheckFailure) {
  return new messages.CheckFailure().setProperty(property).setReason(reason);
}
