/** A machine may repeat what it was told, and its last words are for everybody to read. */
export function hidden(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => secret.split("\n")).filter((part) => part.trim().length >= 4);
  return parts
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, part) => rest.replaceAll(part, "[secret]"), text);
}
