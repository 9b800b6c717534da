import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimulatedClock, simulatedClock } from "@skep/testing";
import { Events } from "./events.ts";
import { type Held, Reservations } from "./reserve.ts";

const minute = 60_000;
const hour = 60 * minute;

/** Relays that grant an hour, as long as they are up. */
function stage(names: readonly string[], ttl = hour) {
  const clock: SimulatedClock = simulatedClock(1);
  const events = new Events(clock);
  const begun = clock.now();
  const told: string[] = [];
  events.on((event) => {
    if (event.kind === "reservation") told.push(`${(event.at - begun) / 1000} ${event.relay} ${event.state}`);
  });
  const up = new Set(names);
  const cuts = new Map<string, AbortController>();
  const reservations = new Reservations({
    clock,
    events,
    relays: () => names,
    changed: () => {},
    ask: async (relay): Promise<Held> => {
      if (!up.has(relay)) throw new Error("ECONNREFUSED");
      const cut = cuts.get(relay) ?? new AbortController();
      cuts.set(relay, cut);
      return { expires: clock.now() + ttl, addresses: [`/through/${relay}`], cut: cut.signal };
    },
  });
  const settle = async () => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms: number, step = 1000) => {
    for (let left = ms; left > 0; left -= step) {
      clock.advance(Math.min(step, left));
      await settle();
    }
  };
  const lose = async (relay: string) => {
    up.delete(relay);
    cuts.get(relay)?.abort();
    cuts.delete(relay);
    await settle();
  };
  return { clock, reservations, told, up, pass, lose, settle };
}

test("a reservation is renewed 30 s before its end, and again", async () => {
  const { reservations, told, pass, settle } = stage(["one"]);
  reservations.start();
  await settle();
  assert.deepEqual(reservations.addresses, ["/through/one"]);
  await pass(2 * hour);
  assert.deepEqual(told, [
    "0 one requesting",
    "0 one active",
    "3570 one renewing",
    "3570 one active",
    "7140 one renewing",
    "7140 one active",
  ]);
  await reservations.stop();
});

test("one that is lost is asked for at another relay at once", async () => {
  const { reservations, told, pass, lose, settle } = stage(["one", "two"]);
  reservations.start();
  await settle();
  await pass(minute);
  await lose("one");
  assert.deepEqual(told.slice(2), ["60 one lost", "60 two requesting", "60 two active"]);
  assert.deepEqual(reservations.addresses, ["/through/two"]);
  await reservations.stop();
});

test("when all relays are gone they are asked again until one is back, and that takes no minute", async () => {
  const { reservations, told, up, pass, lose, settle } = stage(["one", "two"]);
  up.delete("two");
  reservations.start();
  await settle();
  await lose("one");
  assert.deepEqual(reservations.addresses, []);
  await pass(10 * minute);
  up.add("two");
  const from = told.length;
  await pass(minute);
  const back = told.slice(from).find((line) => line.endsWith("two active"));
  assert.notEqual(back, undefined);
  assert.ok(Number(back?.split(" ")[0]) - 600 < 60, back);
  await reservations.stop();
});

test("a renewal that is refused loses the reservation, and another relay has it", async () => {
  const { reservations, told, up, pass, settle } = stage(["one", "two"]);
  reservations.start();
  await settle();
  up.delete("one");
  await pass(hour);
  assert.deepEqual(told.slice(2), [
    "3570 one renewing",
    "3570 one lost",
    "3570 two requesting",
    "3570 two active",
  ]);
  await reservations.stop();
});

test("a reservation shorter than a minute is renewed at its half", async () => {
  const { reservations, told, pass, settle } = stage(["one"], 40_000);
  reservations.start();
  await settle();
  await pass(minute);
  assert.deepEqual(told.slice(2), [
    "20 one renewing",
    "20 one active",
    "40 one renewing",
    "40 one active",
    "60 one renewing",
    "60 one active",
  ]);
  await reservations.stop();
});

test("after a day of sleep the reservation is asked for again", async () => {
  const { clock, reservations, told, settle } = stage(["one"]);
  reservations.start();
  await settle();
  clock.advance(24 * hour);
  await settle();
  assert.deepEqual(told.at(-1)?.split(" ").slice(1), ["one", "active"]);
  await reservations.stop();
});
