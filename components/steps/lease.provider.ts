import { say } from "../pulumi/engine.ts";
import { changedKeys, isUnknown, lifecycle } from "../pulumi/lifecycle.ts";
import { leaseEndText } from "../vast/lease/job.ts";
import { hold } from "../vast/lease/lease.ts";
import { leaseMinutes } from "../vast/lease/moment.ts";
import { connect } from "../vast/ready/connect.ts";
import type { LeaseInputs } from "./lease.ts";

interface LeaseOutputs extends LeaseInputs {
  /** ISO time; "" = never. */
  readonly endsAt: string;
  /** ISO time by Vast's clock at which the lease of this start of the machine was first made. */
  readonly since: string;
}

/** Only check() is given the URN, the row on which progress is shown, so it is passed on as an input. */
interface CheckedLease extends LeaseInputs {
  readonly __urn?: string;
}

/** The lifecycle behind VastLease. */
export const provider = lifecycle({
  check: async (_olds: object, news: CheckedLease) => ({ inputs: news }),

  diff: async (_id: string, olds: LeaseOutputs, news: LeaseInputs) => {
    const replaces = changedKeys(olds, { instanceId: news.instanceId });
    return { replaces, changes: changedKeys(olds, news).length > 0 || isRenewable(olds, news) };
  },

  create: async (inputs: CheckedLease) => ({ id: inputs.instanceId, outs: await held(inputs, undefined) }),

  update: async (_id: string, olds: LeaseOutputs, news: CheckedLease) => {
    const isSameLife = olds.startedAt === news.startedAt;
    return { outs: await held(news, isSameLife ? Date.parse(olds.since) : undefined) };
  },
});

const HOUR_MS = 3_600_000;

/** Would a lease that begins now end later than the present one? */
function isRenewable({ endsAt, since }: LeaseOutputs, { leaseHours, maxHours }: LeaseInputs): boolean {
  if (leaseHours === null || isUnknown(leaseHours)) return false;
  const minutes = leaseMinutes({ leaseHours, maxHours }, Date.now() - Date.parse(since));
  return endsAt === "" || Date.now() + minutes * 60_000 - Date.parse(endsAt) > HOUR_MS;
}

/** @param since milliseconds; undefined = now */
async function held(inputs: CheckedLease, since: number | undefined): Promise<LeaseOutputs> {
  const { instanceId, leaseHours, maxHours, __urn: urn } = inputs;
  const { client, events } = await connect(inputs, { urn });
  // Every answer tells Vast's own clock.
  if (client.vastNow === undefined) await client.jobs().catch(() => []);
  const now = client.vastNow ?? Date.now();
  const began = since ?? now;
  const minutes = leaseHours === null ? null : leaseMinutes({ leaseHours, maxHours }, now - began);
  const { endsAt, refused } = await hold(client, Number(instanceId), minutes);
  if (refused !== undefined)
    await say(urn, `no lease: Vast will not stop instance ${instanceId} by itself (${refused})`);
  events?.noteOnce({ what: "lease moved", instance: Number(instanceId), until: endsAt });
  if (endsAt !== null) await say(urn, leaseEndText(instanceId, endsAt));
  return {
    ...inputs,
    endsAt: endsAt === null ? "" : new Date(endsAt).toISOString(),
    since: new Date(began).toISOString(),
  };
}
