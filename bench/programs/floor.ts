import * as pulumi from "@pulumi/pulumi";

// Nothing but the SDK's import and so many resources without a provider: what no program of Pulumi's can be faster than.
for (let number = 1; number <= Number(process.env.BENCH_RESOURCES); number++) {
  new pulumi.ComponentResource("bench:index:Nothing", `nothing-${number}`);
}
