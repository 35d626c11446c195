import { credentials } from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import { printableLines } from "../../components/lib/text.ts";

/** A resource's row in Pulumi's display. Never throws: a step must not fail because a text cannot be shown. */
export interface Row {
  /** Replaces the text on the row. */
  status(text: string): void;
  /** A line that stays. */
  warn(text: string): void;
  /** Resolves when everything was handed over. */
  flush(): Promise<void>;
}

const longestText = 4000;

/** @param engineAddress host:port, the last argument with which Pulumi starts a plugin */
export function rowOpener(engineAddress: string | undefined): (urn: string) => Row {
  if (!engineAddress || !/:\d+$/.test(engineAddress))
    return () => ({ status: () => {}, warn: () => {}, flush: async () => {} });
  const client = new engineService.EngineClient(engineAddress, credentials.createInsecure());
  const { INFO, WARNING } = engineMessages.LogSeverity;
  return (urn) => {
    const pending = new Set<Promise<void>>();
    const log = (severity: typeof INFO | typeof WARNING, text: string, ephemeral: boolean) => {
      const request = new engineMessages.LogRequest();
      request.setUrn(urn);
      request.setSeverity(severity);
      request.setMessage(printableLines(text.slice(0, longestText)));
      request.setEphemeral(ephemeral);
      const sent = new Promise<void>((resolve) => client.log(request, () => resolve()));
      pending.add(sent);
      sent.then(() => pending.delete(sent));
    };
    return {
      status: (text) => log(INFO, text, true),
      warn: (text) => log(WARNING, text, false),
      flush: async () => void (await Promise.all(pending)),
    };
  };
}
