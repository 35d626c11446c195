import { type Address, entryOf } from "./addresses.ts";

/**
 * The text that every state holds of a dynamic resource, in place of what `pulumi.dynamic.Resource` would serialise (its
 * compiler and inspector cost every command a third of a second). Pulumi's process for dynamic resources runs it as a
 * module whose `handler()` gives the provider; because texts of years ago must still run, this form is as stable as the
 * states are (@pulumi/pulumi 3.270, cmd/dynamic-provider: getProvider).
 *
 * Each method loads the provider file when it is called, so a later destroy runs the code of its own day, and no secret
 * or library of the program is captured. The file is named by a bare specifier, so that no state holds a path: it is
 * resolved from the folder of the program, which is this package or has it installed.
 */
export function stub(address: Address): string {
  return `exports.handler = () => {
  const load = async () => (await import("${entryOf(address)}")).provider;
  return {
    check: async (olds, news) => (await load()).check?.(olds, news) ?? { inputs: news },
    diff: async (id, olds, news) => (await load()).diff?.(id, olds, news) ?? {},
    create: async (inputs) => (await load()).create(inputs),
    read: async (id, props) => (await load()).read?.(id, props) ?? { id, props },
    update: async (id, olds, news) => (await load()).update?.(id, olds, news) ?? { outs: news },
    delete: async (id, props) => (await load()).delete?.(id, props),
  };
};
`;
}
