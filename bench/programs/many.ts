import { openStateDir } from "../../components/lib/state-dir.ts";
import { RunIdentity } from "../../components/run/identity.ts";
import { ownSshKey } from "../../components/ssh/ssh-key.ts";
import { VastInstance } from "../../components/vast/instance/instance.ts";

/** Together they have enough machines of one GPU for a hundred. */
const MODELS = ["H100 SXM", "RTX 4090", "A100 SXM4", "RTX 3090"];

// So many machines in one program.
const dir = openStateDir();
const api = { apiUrl: "simulator", apiKeyFile: "" };
const { publicKey } = ownSshKey(dir, "");
for (let number = 1; number <= Number(process.env.BENCH_MACHINES); number++) {
  const whose = { owner: dir.owner, project: "bench", stack: "many", run: `m${number}`, singleUse: false, gate: null };
  const { label } = new RunIdentity(`identity-${number}`, { ...api, ...whose });
  new VastInstance(`machine-${number}`, {
    ...api,
    label,
    gpu: MODELS[number % MODELS.length] ?? "",
    gpus: 1,
    rental: "on-demand",
    maxPricePerHour: 20,
    minReliability: 0,
    minDownloadMbps: 0,
    minDurationHours: 0,
    verified: false,
    maxOffers: 64,
    diskGb: 16,
    image: "japhba/cot-oracle",
    readyTimeoutMinutes: { machine: 10, total: 30 },
    publicKeys: [publicKey],
    sshKeyFile: "",
  });
}
