import { type RemoteError, remoteError } from "../../ssh/remote-error.ts";

/** The least that must arrive in each span of time: a trickle keeps a connection alive, and brings nothing home. */
export interface Pace {
  readonly bytes: number;
  readonly ms: number;
}

export const PACE: Pace = { bytes: 1_000_000, ms: 300_000 };

/**
 * Checks at the end of each span how many bytes have arrived, and calls `over` when too few. Returns a function that
 * stops it.
 */
export function watchPace({ bytes, ms }: Pace, come: () => number, over: (error: RemoteError) => void): () => void {
  let before = come();
  const timer = setInterval(() => {
    const now = come();
    if (now - before < bytes) over(stalling({ bytes, ms }, now - before));
    before = now;
  }, ms);
  return () => clearInterval(timer);
}

function stalling({ bytes, ms }: Pace, come: number): RemoteError {
  const few = `${Math.max(come, 0)} bytes came within ${ms / 1000} s, and ${bytes} are the least`;
  return remoteError("stalling", `the host is stalling: ${few}`);
}
