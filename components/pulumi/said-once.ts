/** What was handed to the engine, as Pulumi's server for dynamic resources would print it. */
const handed = new Set<string>();
let isSet = false;

/** An error that the engine will show. A defect of ours has its stack behind it, and is printed with that. */
export function handOver(error: Error): Error {
  handed.add(`${error}: `);
  return error;
}

/**
 * Pulumi's server prints what check, diff, read and delete throw, which lands on the row of the stack, and gives it to
 * the engine, which shows it on the row of the resource. After this call it stands there once.
 */
export function sayOnce(output: Pick<Console, "error"> = console): void {
  if (isSet) return;
  isSet = true;
  const print = output.error.bind(output);
  output.error = (...values: unknown[]) => {
    if (values.length !== 1 || !handed.delete(String(values[0]))) print(...values);
  };
}
