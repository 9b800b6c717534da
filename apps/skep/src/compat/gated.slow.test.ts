// The gated hive of the original, over its console (facts of the original control plane, §8 and §14).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ConsoleClient } from "@skep/testing";
import { type CompatDaemon, startCompat } from "./daemon.test.ts";

let daemon: CompatDaemon;
before(async () => {
  daemon = await startCompat("gated");
});
after(() => daemon[Symbol.asyncDispose]());

const spawnLine = '{"spawn":"heartbeat","ticks":5}';
const approval = (id: string): string => `{"id":"${id}","target":"/queen/ctl","decision":"approve"}`;

/** Lines, and how each is answered. */
const conversation: readonly (readonly [line: string, answer: readonly string[]])[] = [
  [`ECHO /queen/ctl ${spawnLine}`, ["ERR ECHO reason=policy detail=denied path=/queen/ctl error=EPERM"]],
  [`ECHO /actions/queue ${approval("change-1")}`, ["OK ECHO path=/actions/queue bytes=60"]],
  [
    `ECHO /actions/queue ${approval("change-1")}`,
    ["ERR ECHO reason=policy detail=invalid-payload path=/actions/queue error=invalid payload"],
  ],
  [
    "CAT /actions/change-1/status",
    [
      "OK CAT path=/actions/change-1/status data=state=queued id=change-1 target=/queen/ctl decision=approve",
      "state=queued id=change-1 target=/queen/ctl decision=approve",
      "END",
    ],
  ],
  [
    "CAT /policy/preflight/diff",
    [
      "OK CAT path=/policy/preflight/diff data=diff rules=2 actions=1 unmatched=0|rule id=queen-ctl target=/queen/ctl queued=1 consumed=0",
      "diff rules=2 actions=1 unmatched=0",
      "rule id=queen-ctl target=/queen/ctl queued=1 consumed=0",
      "rule id=systemd-restart target=/host/systemd/*/restart queued=0 consumed=0",
      "END",
    ],
  ],
  [`ECHO /queen/ctl ${spawnLine}`, ["OK ECHO path=/queen/ctl bytes=31"]],
  [
    "CAT /policy/preflight/req",
    [
      "OK CAT path=/policy/preflight/req data=req total=1 queued=0 consumed=1|req id=change-1 target=/queen/ctl decision=allow state=consumed",
      "req total=1 queued=0 consumed=1",
      "req id=change-1 target=/queen/ctl decision=allow state=consumed",
      "END",
    ],
  ],
  ["KILL worker-1", ["OK KILL id=worker-1", "ERR KILL reason=policy detail=denied error=EPERM"]],
  [`ECHO /queen/ctl ${spawnLine}`, ["ERR ECHO reason=policy detail=denied path=/queen/ctl error=EPERM"]],
  [
    `ECHO /actions/queue ${approval("change-1")}`,
    ["ERR ECHO reason=policy detail=invalid-payload path=/actions/queue error=invalid payload"],
  ],
];

test("a gated control is denied, approved, allowed, consumed and denied again", async () => {
  const client = await ConsoleClient.attached(daemon.at, "changeme", "queen", "");
  for (const [line, answer] of conversation) {
    client.say(line);
    const told: (string | undefined)[] = [];
    while (told.length < answer.length) told.push(await client.line());
    assert.deepEqual(told, answer, line);
  }
});
