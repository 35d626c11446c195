import { openStateDir } from "../../components/lib/state-dir.ts";
import { RunIdentity } from "../../components/run/identity.ts";
import { ownSshKey } from "../../components/ssh/ssh-key.ts";
import { VastInstance } from "../../components/vast/instance/instance.ts";

/**
 * A program rents each machine once, so each model serves as many as the simulator's market surely has machines of it.
 * A market four times as large serves four times as many.
 */
const MODELS = Object.entries({
  "H100 SXM": 8,
  "RTX 4090": 5,
  "A100 SXM4": 4,
  "RTX 3090": 4,
  L40S: 2,
  "RTX A6000": 2,
  "H100 PCIE": 2,
  "A100 PCIE": 2,
  "RTX 5090": 2,
  L4: 1,
}).flatMap(([model, machines]) => Array<string>(machines).fill(model));

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
    gpu: MODELS[(number - 1) % MODELS.length] ?? "",
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
