/**
 * What a state holds of each resource: the address of its provider file, `@vast-training/pulumi/providers/<key>`, and the
 * last part of its type. Both stay as they are for ever, or stacks that exist could not be destroyed: a destroy imports
 * the address that was recorded, and another type would be a delete and a create. Files may move; package.json's
 * `exports` says where they are.
 */
export const ADDRESSES = {
  identity: "Identity",
  instance: "Instance",
  bid: "Bid",
  lease: "Lease",
  revision: "Revision",
  image: "Image",
  "wandb-run": "WandbRun",
  credentials: "Credentials",
  code: "Code",
  checkpoints: "Checkpoints",
} as const;

export type Address = keyof typeof ADDRESSES;

/** The type of a resource, as the engine knows it. */
export function typeOf(address: Address): string {
  return `pulumi-nodejs:dynamic:${ADDRESSES[address]}`;
}

interface Typed {
  readonly type: string;
}

/**
 * Is it from a state of before these addresses? Nothing can refresh or destroy it, because its provider is gone; but
 * its machine may bill, and is looked for.
 */
export function isEarlier({ type }: Typed): boolean {
  return /^pulumi-nodejs:dynamic\/(vast|training):/.test(type);
}

/** Is it a resource of ours of that kind, in a state of whatever version? */
export function isOf(address: Address, resource: Typed): boolean {
  const { type } = resource;
  return type === typeOf(address) || (isEarlier(resource) && type.endsWith(`:${ADDRESSES[address]}`));
}

/** What a stub imports. */
export function entryOf(address: Address): string {
  return `@vast-training/pulumi/providers/${address}`;
}
