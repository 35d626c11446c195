import * as pulumi from "@pulumi/pulumi";
import type { CredentialSearch } from "../credentials/credentials.ts";
import type { Fingerprints } from "../credentials/fingerprint.ts";
import { DynamicResource } from "../pulumi/resource.ts";
import type { ApiTarget } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";

/** Where credentials are found, and which machine gets them. */
export interface CredentialsArgs extends ApiTarget, CredentialSearch {
  readonly instance: VastInstance;
  /** As in the stack config; "" = the key of the state directory. */
  readonly sshKeyFile: string;
  readonly stepMaxMinutes: number;
  /** Fingerprints of the credentials found: another token is a change. */
  readonly fingerprints: Fingerprints;
  /** `type base64 comment`, of everyone who may log in. */
  readonly publicKeys: readonly string[];
}

/**
 * The credentials of training, in two files on the machine that nobody else there can read; a delete removes them.
 *
 * No value is an input: the engine's most detailed log shows every input. The provider reads the credentials itself,
 * from the same places.
 */
export class Credentials extends DynamicResource {
  constructor(name: string, args: CredentialsArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { instance, ...plain } = args;
    // Deleted before the instance; otherwise a replacement would leave them on the old machine.
    const order = { dependsOn: [instance], replaceWith: [instance] };
    const { id: instanceId, sshHost, sshPort, hostKey, startedAt } = instance;
    const props = { ...plain, instanceId, sshHost, sshPort, hostKey, startedAt };
    super("credentials", name, props, pulumi.mergeOptions(opts, order));
  }
}
