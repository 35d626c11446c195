import type { dynamic } from "@pulumi/pulumi";
import { type Address, entryOf } from "./addresses.ts";
import type { Lifecycle } from "./lifecycle.ts";

type Provider = dynamic.ResourceProvider;

/** Resources of one kind share the text that is serialised. */
const stubs = new Map<Address, Provider>();

/**
 * The provider of a dynamic resource, in a few lines that never change: each method loads the provider file when it is
 * called. Only these lines are serialised into the state, so a later destroy runs the code of its own day, and no
 * secret or library of the program is captured.
 *
 * A bare specifier, so that no state holds a file path: Pulumi's process for dynamic resources resolves it from the
 * folder of the program, which is this package or has it installed.
 */
export function stub(address: Address): Provider {
  const known = stubs.get(address);
  if (known !== undefined) return known;
  const entry = entryOf(address);
  const load = async (): Promise<Lifecycle> => (await import(entry)).provider;
  const made: Provider = {
    check: async (olds, news) => (await load()).check?.(olds, news) ?? { inputs: news },
    diff: async (id, olds, news) => (await load()).diff?.(id, olds, news) ?? {},
    create: async (inputs) => (await load()).create(inputs),
    read: async (id, props) => (await load()).read?.(id, props) ?? { id, props },
    update: async (id, olds, news) => (await load()).update?.(id, olds, news) ?? { outs: news },
    delete: async (id, props) => (await load()).delete?.(id, props),
  };
  stubs.set(address, made);
  return made;
}
