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
  /** Of what was found: another token is a change. */
  readonly fingerprints: Fingerprints;
  /** `type base64 comment`, of everyone who may log in. */
  readonly publicKeys: readonly string[];
}

/**
 * What training needs to know, in two files on the machine that nobody else there can read; its delete takes them away.
 *
 * No value is an input: what passes through the engine is in its log at the highest level. The provider looks for the
 * credentials itself, in the same places.
 */
export class Credentials extends DynamicResource {
  constructor(name: string, args: CredentialsArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { instance, ...plain } = args;
    // In front of a release, or a replacement would leave them on the old machine.
    const order = { dependsOn: [instance], replaceWith: [instance] };
    const { id: instanceId, sshHost, sshPort, hostKey, startedAt } = instance;
    const props = { ...plain, instanceId, sshHost, sshPort, hostKey, startedAt };
    super("credentials", name, props, pulumi.mergeOptions(opts, order));
  }
}
