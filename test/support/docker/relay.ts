/**
 * Runs in the network namespace of a test's Docker engine: what connects to one of the given addresses there is led
 * through a Unix socket to the test, which leads it on. Arguments: HOST PORT SOCKET, as often as needed.
 * Says "ready" when it listens; ends with its standard input.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";

const words = process.argv.slice(2);
for (let place = 0; place < words.length; place += 3) {
  const [host = "", port = "", path = ""] = words.slice(place, place + 3);
  const server = createServer((from) => {
    const to = connect(path);
    for (const socket of [from, to]) socket.on("error", () => [from, to].forEach((end) => void end.destroy()));
    from.pipe(to).pipe(from);
  });
  await once(server.listen(Number(port), host), "listening");
}
console.log("ready");
process.stdin.on("end", () => process.exit(0)).resume();
