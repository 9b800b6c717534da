import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { Churn } from "./churn.ts";

test("processes are killed, cut off and started again, and all of them end", async () => {
  const churn = new Churn({ seed: 3, hour: 100, kills: 2, cuts: 2, away: 0.2, leastCut: 5 });
  const pids: number[] = [];
  for (let at = 0; at < 4; at += 1)
    churn.add({
      start: () => {
        const child = spawn("sleep", ["60"]);
        pids.push(child.pid ?? 0);
        return child;
      },
      cut: (child) => {
        child.kill("SIGSTOP");
        return () => void child.kill("SIGCONT");
      },
    });
  while (churn.happened.kills < 3 || churn.happened.cuts < 3) await sleep(20);
  await churn.calm();
  assert.equal(churn.happened.starts, pids.length);
  assert.ok(pids.length >= 7);
  await churn.end();
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
