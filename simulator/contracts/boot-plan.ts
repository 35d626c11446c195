import type { Link } from "../hosts/types.ts";

/** What goes wrong at the next boot; empty without faults. */
export interface BootPlan {
  /** Never leaves this state. */
  readonly stuckIn?: "provisioning" | "created" | "loading";
  /** The status message it then shows. */
  readonly statusMsg?: string;
  /** The pull fails with these words of docker's. */
  readonly pullError?: string;
  /** Before the host loads, Vast hears nothing of it or gives it up, for so many seconds each; Infinity = for ever. */
  readonly lost?: readonly { readonly state: "unknown" | "offline"; readonly seconds: number }[];
  /** Seconds more that the pull takes. */
  readonly pullLate?: number;
  /** The container ends as soon as it has started, and starts again after so many seconds; Infinity = never. */
  readonly exits?: number;
  /** A restart makes the machine anew: its files are lost, its host key is another. */
  readonly anew?: boolean;
  /** A reboot moves the ports, as every start of a stopped machine does. */
  readonly portsMove?: boolean;
  /** For so many seconds from the start, the launcher keeps removing our keys from authorized_keys. */
  readonly keysLate?: number;
  /** So many seconds after the start, the launcher removes our keys from authorized_keys once. */
  readonly keysClobbered?: number;
  /** Each ssh session begins with a greeting. */
  readonly noise?: boolean;
  /** Wrong values for fields of the answers. */
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
