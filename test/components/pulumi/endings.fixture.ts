/** A provider file and nothing else: run with the address of an engine as the last word. */
import { whenInterrupted } from "../../../components/pulumi/endings.ts";
import { lifecycle } from "../../../components/pulumi/lifecycle.ts";

whenInterrupted("idle", () => console.log("last words of nobody"));
const { create } = lifecycle({
  create: async (inputs: object) => {
    whenInterrupted("busy", () => console.log("last words"));
    console.log("busy");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    return { id: "made", outs: inputs };
  },
});
if (process.argv[2] === "busy") void create({});
else {
  setInterval(() => {}, 60_000);
  console.log("idle");
}
