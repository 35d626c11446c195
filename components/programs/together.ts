/** An action that can be called off. */
export type Action<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Runs actions side by side, and answers when all have ended. The first that fails calls off the others, and its error is
 * thrown.
 *
 * @param signal calls off all of them
 */
export async function together<T extends readonly Action<unknown>[]>(
  signal: AbortSignal | undefined,
  ...actions: T
): Promise<{ readonly [Key in keyof T]: Awaited<ReturnType<T[Key]>> }> {
  const stop = new AbortController();
  const any = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const ends = actions.map((action) =>
    action(any).catch((error: unknown) => {
      // Keeps the first of them.
      stop.abort({ error });
    }),
  );
  const results = await Promise.all(ends);
  if (stop.signal.aborted) throw (stop.signal.reason as { readonly error: unknown }).error;
  return results as { readonly [Key in keyof T]: Awaited<ReturnType<T[Key]>> };
}
