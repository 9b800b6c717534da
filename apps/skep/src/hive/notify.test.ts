import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { createNotifier, takeNotifyEnv } from "./notify.ts";

function rig(env: Record<string, string>, alive: () => Promise<unknown> = async () => undefined) {
  const clock = simulatedClock();
  const sent: string[] = [];
  const warned: string[] = [];
  const notifier = createNotifier({
    env,
    pids: [7, 6],
    clock,
    alive,
    warn: (line) => warned.push(line),
    send: async (line) => void sent.push(line),
  });
  return { clock, sent, warned, notifier };
}
const watched = { NOTIFY_SOCKET: "/run/x", WATCHDOG_USEC: "10000000", WATCHDOG_PID: "7" };

test("ready, the watchdog at half its interval, and the end are told in this order", async () => {
  const { clock, sent, notifier } = rig(watched);
  await notifier.ready("up");
  await clock.advanceAsync(4_999);
  assert.deepEqual(sent, ["READY=1\nSTATUS=up"]);
  await clock.advanceAsync(1);
  await clock.advanceAsync(5_000);
  await notifier.stopping();
  await clock.advanceAsync(20_000);
  assert.deepEqual(sent.slice(1), ["WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]);
});

test("a kernel that does not answer, or refuses, sends no watchdog", async () => {
  const stuck = rig(watched, () => new Promise(() => undefined));
  await stuck.notifier.ready("up");
  await stuck.clock.advanceAsync(60_000);
  assert.equal(stuck.sent.length, 1);
  let broken = true;
  const failing = rig(watched, () => (broken ? Promise.reject(new Error("no disk")) : Promise.resolve()));
  await failing.notifier.ready("up");
  await failing.clock.advanceAsync(5_000);
  assert.deepEqual([failing.sent.length, failing.warned.length], [1, 1]);
  broken = false;
  await failing.clock.advanceAsync(5_000);
  assert.equal(failing.sent.at(-1), "WATCHDOG=1");
});

test("a watchdog meant for another process is not fed, and without a socket nothing is said", async () => {
  const other = rig({ ...watched, WATCHDOG_PID: "99" });
  await other.notifier.ready("up");
  await other.clock.advanceAsync(60_000);
  assert.deepEqual(other.sent, ["READY=1\nSTATUS=up"]);
  const none = rig({});
  await none.notifier.ready("up");
  assert.deepEqual(none.sent, []);
});

test("no child inherits the line to the service manager", () => {
  const env: NodeJS.ProcessEnv = { ...watched, PATH: "/bin" };
  assert.equal(takeNotifyEnv(env).NOTIFY_SOCKET, "/run/x");
  assert.deepEqual(env, { PATH: "/bin" });
});
