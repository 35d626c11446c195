import type { Link } from "../hosts/types.ts";

/** What goes differently at the next boot. Faults make it; without faults it is empty. */
export interface BootPlan {
  /** Never leaves this state. */
  readonly stuckIn?: "provisioning" | "created" | "loading";
  /** The status message it then shows. */
  readonly statusMsg?: string;
  /** The pull fails with these words of docker's. */
  readonly pullError?: string;
  /** The host is not heard of, or given up, before it loads: so many seconds each, Infinity = for ever. */
  readonly lost?: readonly { readonly state: "unknown" | "offline"; readonly seconds: number }[];
  /** Seconds more that the pull takes. */
  readonly pullLate?: number;
  /** The container ends as soon as it has started, and starts again after so many seconds; Infinity = never. */
  readonly exits?: number;
  /** A restart makes the machine anew: its files are lost, its host key is another. */
  readonly anew?: boolean;
  /** A reboot moves the ports, as every start of a stopped machine does. */
  readonly portsMove?: boolean;
  /** Seconds from the start in which the launcher takes our keys out of authorized_keys again and again. */
  readonly keysLate?: number;
  /** The launcher takes our keys out of authorized_keys once, so many seconds after the start. */
  readonly keysClobbered?: number;
  /** Each session of ssh begins with words that nobody asked for. */
  readonly noise?: boolean;
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
