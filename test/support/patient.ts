/**
 * Loaded before a process of the program: what it waits for it waits for twenty times as long. For tests in which no
 * patience is to run out, however slow the machine is.
 */
const LONGEST_MS = 2 ** 31 - 1;
const { timeout } = AbortSignal;

AbortSignal.timeout = (milliseconds) => timeout.call(AbortSignal, Math.min(20 * milliseconds, LONGEST_MS));

export {};
