import assert from "node:assert/strict";
import { test } from "node:test";
import { BootWatch, type Verdict } from "../../../../components/vast/ready/boot.ts";
import { instance } from "../../../support/rows.ts";

type Look = [seconds: number, row: Record<string, unknown> | undefined];

/** The verdict on the last of these looks; all before must say "wait". */
function judged(looks: readonly Look[], stoppedMs = 5000): Verdict {
  const boot = new BootWatch({ since: 0, stoppedMs });
  const verdicts = looks.map(([at, row]) => boot.judge(row && instance({ ports: null, ...row }), at * 1000));
  for (const before of verdicts.slice(0, -1)) assert.equal(before.next, "wait", JSON.stringify(verdicts));
  const last = verdicts.at(-1);
  assert.ok(last);
  return last;
}

const up = { intended_status: "running", cur_state: "running", next_state: "running" };
const down = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };
const exited = { actual_status: "exited", ...up };
const fresh = { actual_status: null, ...up, status_msg: null };
const loading = { actual_status: "loading", ...up, status_msg: "5c2bf2a3b1c6: Pulling fs layer" };
const moon = { ...loading, status_msg: "Error: the moon" };
const running = { actual_status: "running", ...up };
const ports = { "22/tcp": [{ HostPort: "41685" }] };
const noWay = { ...running, ssh_host: null, ssh_port: null };

const waits: [what: string, looks: Look[], text: RegExp][] = [
  ["not seen yet", [[50, undefined]], /^1\/6 waiting for the host$/],
  ["not reported yet", [[1, fresh]], /^1\/6/],
  [
    "pulling, however long the message stays",
    [
      [1, loading],
      [1500, loading],
    ],
    /^2\/6 image pull$/,
  ],
  [
    "running, no endpoint yet",
    [
      [1, noWay],
      [100, noWay],
    ],
    /^4\/6/,
  ],
  [
    "running, only the relay for now",
    [
      [1, running],
      [3, running],
    ],
    /^4\/6/,
  ],
  [
    "an error that nobody knows, for less than five minutes each",
    [
      [1, moon],
      [250, { ...moon, status_msg: "Error: the sun" }],
      [540, { ...moon, status_msg: "Error: the sun" }],
    ],
    /^2\/6 image pull: Error: the sun$/,
  ],
  [
    "an error that went and came again",
    [
      [1, moon],
      [250, loading],
      [260, moon],
      [540, moon],
    ],
    /Error: the moon$/,
  ],
  [
    "exited for a moment",
    [
      [1, down],
      [2, down],
      [3, loading],
    ],
    /^2\/6/,
  ],
  [
    "stopped, looked at twice only",
    [
      [1, down],
      [9, down],
    ],
    /stopped: displaced/,
  ],
  [
    "the host is silent for a while",
    [
      [1, { ...running, actual_status: "unknown" }],
      [299, { ...running, actual_status: "unknown" }],
    ],
    /stopped reporting/,
  ],
];

for (const [what, looks, text] of waits) {
  test(`waits: ${what}`, () => {
    const verdict = judged(looks);
    assert.ok(verdict.next === "wait");
    assert.match(verdict.text, text);
  });
}

const logins: [what: string, looks: Look[]][] = [
  ["a direct port", [[1, { ...running, ports }]]],
  [
    "a relay, the direct port being late",
    [
      [1, running],
      [6, running],
    ],
  ],
];

for (const [what, looks] of logins) test(`logs in: ${what}`, () => assert.equal(judged(looks).next, "login"));

const ends: [what: string, looks: Look[], cause: string][] = [
  ["never seen", [[61, undefined]], "gone"],
  [
    "seen, and gone",
    [
      [1, fresh],
      [2, undefined],
    ],
    "gone",
  ],
  ["an image that is not there", [[1, { ...loading, status_msg: "manifest for x not found" }]], "image"],
  [
    "an error that stands for five minutes, whatever it means",
    [
      [1, moon],
      [290, moon],
      [301, moon],
    ],
    "host",
  ],
  [
    "the same, while the phase changes",
    [
      [1, moon],
      [200, { ...moon, actual_status: "created" }],
      [301, { ...moon, status_msg: "5c2bf2a3b1c6: Waiting\nError: the moon" }],
    ],
    "host",
  ],
  ["a host that cannot", [[1, { ...loading, status_msg: "no space left on device" }]], "host"],
  ["never got its GPUs", [[1, { ...fresh, ...down, actual_status: null }]], "host"],
  [
    "no endpoint at all",
    [
      [1, noWay],
      [182, noWay],
    ],
    "host",
  ],
  [
    "a host that never begins",
    [
      [1, fresh],
      [599, fresh],
      [602, fresh],
    ],
    "host",
  ],
  [
    "a container that has ended, and is not started again",
    [
      [1, exited],
      [19, exited],
      [22, exited],
    ],
    "stopped",
  ],
  [
    "unknown for long",
    [
      [1, { ...running, actual_status: "unknown" }],
      [302, { ...running, actual_status: "unknown" }],
    ],
    "host",
  ],
  [
    "stopped, and stays so",
    [
      [1, down],
      [4, down],
      [7, down],
    ],
    "stopped",
  ],
  [
    "silent for long",
    [
      [1, { ...running, actual_status: "offline" }],
      [122, { ...running, actual_status: "offline" }],
    ],
    "host",
  ],
];

for (const [what, looks, cause] of ends) {
  test(`ends: ${what}`, () => {
    const verdict = judged(looks);
    assert.deepEqual([verdict.next, verdict.next === "end" && verdict.cause], ["end", cause]);
  });
}

test("a start may take its time", () => {
  assert.equal(
    judged(
      [
        [1, down],
        [40, down],
        [100, down],
      ],
      120_000,
    ).next,
    "wait",
  );
});
