import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { GitAuth } from "../remote/scripts.ts";
import type { ApiTarget } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";

/** A commit that the machine is to have. */
export interface WantedCommit {
  readonly url: string;
  /** The ref to ask for where a server sends no commit by its id. */
  readonly ref: string;
  readonly commit: string;
}

/** Which commits go to which machine, and how. */
export interface CodeArgs extends ApiTarget {
  readonly instance: VastInstance;
  /** As in the stack config; "" = the key of the state directory. */
  readonly sshKeyFile: string;
  readonly stepMaxMinutes: number;
  readonly way: GitAuth;
  /** The code first, then further repositories in the order of the config. */
  readonly wanted: pulumi.Input<readonly WantedCommit[]>;
  /** Folder here whose files are the code; "" = the code is a commit of a server. */
  readonly sourceDir: string;
  /** Where the token is looked for. */
  readonly envFile: string;
  readonly netrcFile: string;
  /** Brings the code, and asks for what it lacks. */
  readonly script: pulumi.Input<string>;
  /** With `agent`: fetches what is lacking in a session that has the agent. */
  readonly fetchScript: pulumi.Input<string>;
}

/**
 * The code on the machine: sent from here, or fetched there, where a token or an ssh agent that it needs is seen by the
 * provider alone. No secret is an input.
 */
export class Code extends DynamicResource {
  constructor(name: string, args: CodeArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { instance, script, fetchScript, ...plain } = args;
    const { id: instanceId, sshHost, sshPort, hostKey, startedAt } = instance;
    const scripts = { script: pulumi.secret(script), fetchScript: pulumi.secret(fetchScript) };
    const props = { ...plain, ...scripts, instanceId, sshHost, sshPort, hostKey, startedAt };
    const own = { deletedWith: instance, additionalSecretOutputs: Object.keys(scripts) };
    super("code", name, props, pulumi.mergeOptions(opts, own));
  }
}
