import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Put {
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
}

/** The one call of Vast's API that a machine makes about itself. */
export interface TinyVast {
  readonly url: string;
  readonly puts: readonly Put[];
  /** Resolves when it was asked so many times in all. */
  asked(times: number): Promise<void>;
}

/** @param answers status and body of each answer; the last one again and again */
export async function openVast(t: TestContext, ...answers: [number, string][]): Promise<TinyVast> {
  const puts: Put[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const [status, text] = answers[puts.length] ?? answers.at(-1) ?? [200, '{"success": true}'];
      puts.push({ path: request.url ?? "", authorization: request.headers.authorization ?? "", body });
      response.writeHead(request.method === "PUT" ? status : 405, { "content-type": "application/json" }).end(text);
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    puts,
    asked: (times) =>
      new Promise((resolve) => {
        const look = () => {
          if (puts.length < times) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}
