import type { Link } from "../hosts/types.ts";

/** What goes differently at the next boot. Faults make it; without faults it is empty. */
export interface BootPlan {
  /** Never leaves this state. */
  readonly stuckIn?: "provisioning" | "created" | "loading";
  /** The status message it then shows. */
  readonly statusMsg?: string;
  /** The pull fails with these words of docker's. */
  readonly pullError?: string;
  /** The container ends as soon as it has started. */
  readonly exits?: boolean;
  /** Fields of the answers that are not as they should be. */
  readonly shown?: Readonly<Record<string, unknown>>;
  /** Seconds more until the ports are published; Infinity = never. */
  readonly portsLate?: number;
  /** Seconds more until sshd accepts; Infinity = never. */
  readonly sshLate?: number;
  /** Seconds more until the relay lets anybody through; Infinity = never. */
  readonly proxyLate?: number;
  readonly directLink?: Link;
  readonly proxyLink?: Link;
  /** Seconds more until GET shows it. */
  readonly getLate?: number;
  /** Seconds more until the list shows it. */
  readonly listLate?: number;
}
