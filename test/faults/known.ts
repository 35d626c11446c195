/** Everything that is known to go wrong at Vast, in the order in which a run meets it. */
export const KNOWN: readonly string[] = [
  ...["offerTaken", "takenBetweenSearchAndCreate", "insufficientCredit", "createTimeoutButCreated"],
  ...["createTimeoutNotCreated", "create5xx", "connReset", "createdStopped", "success200False", "envTooLarge"],
  ...["invalidArgs", "stuckNull", "stuckLoading", "slowPull", "imageNotFound", "pullDenied", "rateLimitPull"],
  ...[
    "unexpectedEof",
    "noSpace",
    "ociFail",
    "hostSays",
    "registrySays",
    "exitedDuringBoot",
    "transientExited",
    "hostOffline",
  ],
  ...["unknownThenOffline", "diskUnderProvisioned", "wrongGpuCount", "portsLate", "portsMissing"],
  ...["sshRefusedThoughRunning", "proxyDead", "proxyKeyNever", "keyLate", "keyNever", "keyClobbered", "directBlocked"],
  ...["bannerNoise", "sshDropsMidSession", "hostKeyChanged", "portChangesOnRestart", "outbid", "preemptByOnDemand"],
  ...["spontaneousStop", "hostReboot", "unknownBlip", "gpuFallenOff", "vanish", "endDateReached", "zeroBalanceStopAll"],
  ...["startQueued", "stopSlow", "destroy429", "destroy5xxButDone", "destroyIgnored", "destroySlow", "429burst"],
  ...["502/503/504 html", "latency", "emptyBody200", "truncatedJson", "listLag", "listPartialPage", "invalid_token"],
  ...[
    "getNullAfterCreate",
    "staleGet",
    "authError404",
    "searchIgnoresFilter",
    "search64Cap",
    "logsUrl403",
    "logsStale",
  ],
  "price change",
];

/** Tried elsewhere: with real machines, or by the client alone. */
export const TRIED_ELSEWHERE: Readonly<Record<string, string>> = {
  bannerNoise: "test/faults/hosts.test.ts",
  sshDropsMidSession: "test/faults/hosts.test.ts",
  hostKeyChanged: "test/faults/hosts.test.ts",
  logsUrl403: "test/components/vast/client/simulator.test.ts",
  logsStale: "test/components/vast/client/simulator.test.ts",
};
