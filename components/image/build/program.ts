import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { findToken } from "../../credentials/registry-token.ts";
import type { BuildJob } from "./run.ts";

// A Pulumi program of its own, run by run.ts with a temporary state: an image in a state needs its Docker engine for
// every refresh and destroy, and what ends the bill of a machine must not.
const { host, sshOpts, context, names, login } = JSON.parse(process.env.VAST_TRAINING_BUILD ?? "{}") as BuildJob;
const password = findToken(login.tokenName, login.envFile);
if (password === undefined) throw new pulumi.RunError(`${login.tokenName} is not there any more`);

const provider = new docker.Provider("engine", {
  host,
  ...(sshOpts === undefined ? {} : { sshOpts: [...sshOpts] }),
  // An engine behind ssh is first asked when it is used.
  disableDockerDaemonCheck: host.startsWith("ssh://"),
});
let before: pulumi.Resource[] = [];
for (const [index, imageName] of names.entries()) {
  const image = new docker.Image(
    `image-${index}`,
    {
      imageName,
      build: { context, dockerfile: `${context}/Dockerfile`, platform: "linux/amd64" },
      registry: { server: login.registry, username: login.user, password: pulumi.secret(password) },
    },
    { provider, dependsOn: before },
  );
  before = [image];
}
