/**
 * Where a thing is tested whose test does not lie at its own path (`test/<its path>.test.ts`). What is here is a part of
 * something and tested as such; `test/places.test.ts` keeps the list exact.
 */
export const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "test/e2e/life.test.ts": ["index.ts"],

  "test/cli/main.test.ts": [
    "cli/command/command.ts",
    "cli/command/help.ts",
    "cli/command/parse.ts",
    "cli/commands/attach.ts",
    "cli/commands/completion.ts",
    "cli/commands/config.ts",
    "cli/commands/env.ts",
    "cli/commands/logs.ts",
    "cli/commands/recover.ts",
    "cli/commands/ssh.ts",
    "cli/commands/sweep.ts",
    "cli/commands/sync.ts",
  ],
  "test/cli/fleet/stack.test.ts": ["cli/fleet/project.ts"],
  "test/cli/machine/life.test.ts": [
    "cli/machine/attach.ts",
    "cli/machine/config.ts",
    "cli/machine/logs.ts",
    "cli/machine/ssh.ts",
    "cli/machine/sync.ts",
  ],
  "test/cli/machine/env.test.ts": ["cli/machine/machine.ts"],
  "test/cli/recover/recover.test.ts": [
    "cli/recover/free-lock.ts",
    "cli/recover/look.ts",
    "cli/recover/patient.ts",
    "cli/recover/refresh.ts",
    "cli/recover/settle.ts",
  ],
  "test/cli/sweep/sweep.test.ts": [
    "cli/fleet/survey.ts",
    "cli/fleet/table.ts",
    "cli/sweep/end.ts",
    "cli/sweep/inside.ts",
    "cli/sweep/show.ts",
  ],
  "test/cli/sweep/look.test.ts": ["cli/fleet/visible.ts"],

  "test/components/run/training-run.test.ts": [
    "components/checkpoints/checkpoints.ts",
    "components/image/training-image.ts",
    "components/pulumi/resource.ts",
    "components/run/training-steps.ts",
    "components/run/wandb-run.ts",
    "components/steps/credentials.ts",
    "components/steps/step.ts",
  ],
  "test/components/run/prepare.test.ts": ["components/pulumi/problems.ts", "components/run/account.ts"],
  "test/components/steps/code.provider.test.ts": [
    "components/code/git/known-servers.ts",
    "components/steps/code.ts",
    "components/steps/converse.ts",
  ],
  "test/faults/hosts.test.ts": ["components/vast/ready/connect.ts"],
  "test/e2e/secrets.test.ts": ["components/steps/reach.ts"],

  "test/components/checkpoints/gate.test.ts": ["components/checkpoints/rescue.ts"],
  "test/components/checkpoints/store/store.test.ts": [
    "components/checkpoints/store/files.ts",
    "components/checkpoints/store/record.ts",
  ],
  "test/hostile/pull.test.ts": ["components/ssh/run-script.ts"],

  "test/components/code/revision.provider.test.ts": ["components/code/revision.ts"],
  "test/components/code/git/contents.test.ts": [
    "components/code/git/cache.ts",
    "components/code/git/git.ts",
    "components/code/git/token.ts",
    "components/code/git/url.ts",
  ],
  "test/components/code/git/snapshot.test.ts": [
    "components/code/check-source.ts",
    "components/code/git/pack.ts",
    "components/code/git/work-tree.ts",
  ],

  "test/components/config/config.test.ts": ["components/config/fields.ts"],
  "test/components/credentials/credentials.test.ts": [
    "components/credentials/env-file.ts",
    "components/credentials/netrc.ts",
  ],

  "test/components/image/build/build.test.ts": ["components/image/build/place.ts", "components/image/build/state.ts"],
  "test/components/image/build/plan.test.ts": ["components/image/build/files.ts", "components/image/build/template.ts"],
  "test/e2e/image.test.ts": [
    "components/image/build/engine.ts",
    "components/image/build/program.ts",
    "components/image/build/run.ts",
  ],
  "test/e2e/image-remote.test.ts": ["components/image/build/builder.ts", "components/image/build/tether.ts"],

  "test/components/registry/registry.test.ts": [
    "components/registry/access.ts",
    "components/registry/errors.ts",
    "components/registry/manifest.ts",
    "components/registry/refusals.ts",
    "components/registry/session.ts",
    "components/registry/transport.ts",
  ],
  "test/components/vast/rental/image-pull.test.ts": ["components/registry/pullable.ts"],

  "test/components/remote/train.test.ts": ["components/remote/script.ts", "components/remote/scripts.ts"],
  "test/components/ssh/probe.test.ts": ["components/ssh/endpoint.ts", "components/ssh/remote-error.ts"],

  "test/components/vast/client/client.test.ts": [
    "components/vast/client/errors.ts",
    "components/vast/client/requests.ts",
    "components/vast/client/transport.ts",
  ],
  "test/components/vast/market/offers.test.ts": [
    "components/vast/market/criteria.ts",
    "components/vast/market/exclusion.ts",
  ],
  "test/components/vast/market/choice.test.ts": ["components/vast/market/fit.ts"],
  "test/components/vast/rental/untouched.test.ts": ["components/vast/rental/keep.ts"],
  "test/e2e/forgotten.test.ts": [
    "components/run/identity.provider.ts",
    "components/run/identity.ts",
    "components/vast/journal/passed.ts",
  ],
  "test/components/vast/journal/journal.test.ts": ["components/vast/journal/entry.ts"],
  "test/components/vast/rental/settle.test.ts": ["components/vast/rental/release.ts"],
  "test/components/vast/rental/rental.test.ts": [
    "components/vast/journal/trouble.ts",
    "components/vast/ready/means.ts",
    "components/vast/ready/ready.ts",
    "components/vast/rental/offer-queue.ts",
    "components/vast/rental/rental-request.ts",
  ],
  "test/components/vast/instance/instance.check.test.ts": ["components/vast/instance/instance.inputs.ts"],
  "test/components/vast/instance/plan.test.ts": ["components/vast/instance/instance.outputs.ts"],
  "test/components/vast/instance/instance.provider.test.ts": [
    "components/vast/instance/bid.provider.ts",
    "components/vast/instance/terms.ts",
  ],
  "test/components/vast/instance/life.test.ts": [
    "components/vast/instance/bid.ts",
    "components/vast/instance/instance.ts",
  ],

  "test/simulator/api/respond.test.ts": [
    "simulator/api/answer.ts",
    "simulator/api/control.ts",
    "simulator/api/exchange.ts",
    "simulator/api/route.ts",
    "simulator/api/routes.ts",
    "simulator/api/server.ts",
    "simulator/api/stranger.ts",
    "simulator/base/holds.ts",
    "simulator/base/requests.ts",
  ],
  "test/simulator/api/request-faults.test.ts": ["simulator/api/check-fault.ts", "simulator/faults/fault.ts"],
  "test/simulator/api/asks.test.ts": [
    "simulator/api/order.ts",
    "simulator/contracts/occupancy.ts",
    "simulator/contracts/rent.ts",
  ],
  "test/simulator/api/list.test.ts": ["simulator/api/instance-row.ts"],
  "test/simulator/api/offers.test.ts": ["simulator/market/offer-row.ts", "simulator/market/search.ts"],
  "test/simulator/api/account.test.ts": ["simulator/world/account.ts"],
  "test/simulator/index.test.ts": ["simulator/world/world.ts"],
  "test/simulator/base/timings.test.ts": ["simulator/base/random.ts"],
  "test/simulator/stores/registry.test.ts": ["simulator/stores/blobs.ts"],
  "test/simulator/contracts/life.test.ts": [
    "simulator/contracts/agenda.ts",
    "simulator/contracts/boot.ts",
    "simulator/contracts/contract.ts",
    "simulator/contracts/contracts.ts",
    "simulator/contracts/state.ts",
    "simulator/contracts/status-msg.ts",
    "simulator/hosts/no-hosts.ts",
  ],
  "test/simulator/contracts/boot-faults.test.ts": ["simulator/contracts/boot-plan.ts", "simulator/faults/book.ts"],
  "test/simulator/market/generate.test.ts": [
    "simulator/market/gpus.ts",
    "simulator/market/machine.ts",
    "simulator/market/market.ts",
  ],
  "test/simulator/hosts/life.test.ts": [
    "simulator/hosts/base.ts",
    "simulator/hosts/container.ts",
    "simulator/hosts/host.ts",
    "simulator/hosts/index.ts",
    "simulator/hosts/real-hosts.ts",
    "simulator/hosts/types.ts",
  ],
  "test/simulator/hosts/contract.test.ts": ["simulator/hosts/contract-env.ts"],
  "test/simulator/hosts/links.test.ts": ["simulator/hosts/forward.ts", "simulator/hosts/port.ts"],
  "test/simulator/hosts/images.test.ts": [
    "simulator/hosts/layers.ts",
    "simulator/hosts/registry-images.ts",
    "simulator/hosts/uv.ts",
  ],
  "test/simulator/hosts/unprivileged.test.ts": ["simulator/hosts/namespace.ts", "simulator/hosts/storage.ts"],
  "test/simulator/hosts/network.test.ts": ["simulator/hosts/sshd-config.ts"],
};
