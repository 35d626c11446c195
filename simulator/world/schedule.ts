import type { Clock } from "../base/clock.ts";
import type { Contracts } from "../contracts/contracts.ts";
import type { Life } from "../contracts/life.ts";
import { type AuditEntry, VASTS_OWN_KEY } from "./audit.ts";
import { type Job, nextRun, type Reading } from "./job.ts";

export interface ScheduleContext {
  readonly clock: Clock;
  readonly contracts: Contracts;
  readonly life: Life;
  readonly audit: AuditEntry[];
  readonly log: (line: string) => void;
}

/** The jobs that Vast runs by itself, at full hours. */
export class Schedule {
  /** How start_time is read. */
  reading: Reading = "waits";
  /** Whether a job's PUT has an effect. The one run on record does not prove it. */
  putsWork = true;
  readonly #context: ScheduleContext;
  readonly #jobs = new Map<number, Job>();
  readonly #cancels = new Map<number, () => void>();
  #lastId = 5000;

  constructor(context: ScheduleContext) {
    this.#context = context;
  }

  all(): Job[] {
    return [...this.#jobs.values()];
  }

  get(id: number): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Another job that makes the same call. */
  like({ endpoint, method }: Pick<Job, "endpoint" | "method">): Job | undefined {
    return this.all().find((job) => job.endpoint === endpoint && job.method === method);
  }

  add(job: Omit<Job, "id">): Job {
    this.#lastId += 1;
    return this.set({ ...job, id: this.#lastId });
  }

  set(job: Job): Job {
    this.remove(job.id);
    this.#jobs.set(job.id, job);
    this.#await(job);
    return job;
  }

  remove(id: number): void {
    this.#cancels.get(id)?.();
    this.#cancels.delete(id);
    this.#jobs.delete(id);
  }

  #await(job: Job): void {
    const { clock } = this.#context;
    const at = nextRun(job, clock.now(), this.reading);
    if (at === undefined) return;
    const cancel = clock.after(at - clock.now(), () => {
      this.#run(job);
      this.#await(job);
    });
    this.#cancels.set(job.id, cancel);
  }

  #run({ id, endpoint, method, body }: Job): void {
    const { contracts, life, clock, audit, log } = this.#context;
    log(`job ${id}: ${method} ${endpoint}`);
    audit.push({ at: clock.now(), keyId: VASTS_OWN_KEY, address: "vast", route: `${method} ${endpoint}`, args: body });
    const contract = contracts.get(Number(/^\/api\/v0\/instances\/(\d+)\/$/.exec(endpoint)?.[1]));
    if (contract === undefined || contract.state === "gone" || contract.state === "destroying") return;
    if (method === "DELETE") life.destroy(contract);
    if (method !== "PUT" || !this.putsWork) return;
    if (body.state === "stopped") life.stop(contract);
    if (body.state === "running") life.start(contract);
  }
}
