/** BuildKit's news of a running build: a protobuf message, of which we read names and lines. */
export interface Trace {
  steps: { id: string; name: string; started: boolean; error: string }[];
  lines: { step: string; text: string }[];
}

/** Numbers of the fields, from BuildKit's public control.proto. */
const fields = { vertex: 1, log: 3 };
const vertex = { digest: 1, name: 3, started: 5, error: 7 };
const log = { vertex: 1, text: 4 };

export function readTrace(base64: string): Trace {
  const trace: Trace = { steps: [], lines: [] };
  for (const [number, value] of messageFields(Buffer.from(base64, "base64"))) {
    const inner = new Map(messageFields(value));
    const text = (place: number) => inner.get(place)?.toString("utf8") ?? "";
    if (number === fields.vertex) {
      const started = inner.has(vertex.started);
      trace.steps.push({ id: text(vertex.digest), name: text(vertex.name), started, error: text(vertex.error) });
    }
    if (number === fields.log) trace.lines.push({ step: text(log.vertex), text: text(log.text) });
  }
  return trace;
}

/** The fields of a message that have a length. The others are numbers, which we do not need. */
function messageFields(bytes: Buffer): [number: number, value: Buffer][] {
  const found: [number, Buffer][] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = varint(bytes, at);
    const value = varint(bytes, key.next);
    const wire = key.value & 7;
    if (wire === 2) found.push([key.value >>> 3, bytes.subarray(value.next, value.next + value.value)]);
    at = wire === 2 ? value.next + value.value : wire === 0 ? value.next : key.next + (wire === 1 ? 8 : 4);
  }
  return found;
}

/** Lengths and keys are small. Of longer numbers we need only where they end. */
function varint(bytes: Buffer, from: number): { value: number; next: number } {
  let value = 0;
  for (let at = from, factor = 1; at < bytes.length; at++, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 127) * factor;
    if (byte < 128) return { value, next: at + 1 };
  }
  return { value, next: bytes.length };
}
