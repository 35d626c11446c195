/**
 * Passes on at most one text a second of those with the same first word: a plain terminal prints each on its own line.
 */
export function throttled(show: (text: string) => void, now: () => number = Date.now): (text: string) => void {
  let last = { topic: "", at: Number.NEGATIVE_INFINITY };
  return (text) => {
    const [topic = ""] = text.split(" ");
    if (topic === last.topic && now() - last.at < 1000) return;
    last = { topic, at: now() };
    show(text);
  };
}
