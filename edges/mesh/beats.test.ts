import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimulatedClock, simulatedClock } from "@skep/testing";
import { Admission } from "./admission.ts";
import { Beats } from "./beats.ts";
import type { Link } from "./links.ts";

/** A connection whose other side answers for as long as it lives. */
class Far {
  readonly clock: SimulatedClock;
  readonly asked: number[] = [];
  readonly kept: object[] = [];
  made: Link | undefined;
  readonly begun: number;
  alive = true;
  cut: number | undefined;
  readonly ended = new AbortController();
  #hear: (event: object) => void = () => {};

  constructor(clock: SimulatedClock) {
    this.clock = clock;
    this.begun = clock.monotonic();
  }

  get #at(): number {
    return this.clock.monotonic() - this.begun;
  }

  say(byteLength: number): void {
    this.#hear({ data: { byteLength } });
  }

  link(direction: string, watched = false): Link {
    const ping = () => {
      this.asked.push(this.#at);
      if (!this.alive) return new Promise(() => undefined);
      this.say(30);
      return Promise.resolve(0);
    };
    const listen = (_type: string, act: (event: object) => void) => (this.#hear = act);
    const socket = { setKeepAlive: (options: object) => this.kept.push(options) };
    const maConn = { addEventListener: listen, ...(watched && { socket }) };
    const abort = () => {
      this.cut = this.#at;
      this.ended.abort();
    };
    const connection = { direction, muxer: { ping }, maConn, abort };
    this.made = { connection, ended: this.ended } as unknown as Link;
    return this.made;
  }
}

function stage(direction: string, watched = false): { far: Far; pass: (ms: number) => Promise<void> } {
  const clock = simulatedClock(1);
  const beats = new Beats(clock, 3000, {} as never, new AbortController().signal);
  const far = new Far(clock);
  beats.opened(far.link(direction, watched));
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 250) {
      clock.advance(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { far, pass };
}

test("who dialled asks every 3 s, and every 5 s when nothing was said for 30 s", async () => {
  const { far, pass } = stage("outbound");
  await pass(60_000);
  assert.deepEqual(far.asked.slice(0, 5), [0, 3000, 6000, 9000, 12_000]);
  assert.deepEqual(far.asked.slice(-4), [43_000, 48_000, 53_000, 58_000]);
  far.say(1000);
  await pass(3000);
  assert.equal(far.asked.at(-1), 63_000);
});

test("one who stops answering is cut within 10 s, at rest too", async () => {
  for (const before of [10_000, 61_000]) {
    const { far, pass } = stage("outbound");
    await pass(before);
    far.alive = false;
    await pass(10_000);
    assert.ok(far.cut !== undefined && far.cut - before <= 9000, `after ${before}: ${far.cut}`);
  }
});

test("who is spoken to is not asked, except for how long the way is", async () => {
  const { far, pass } = stage("outbound");
  for (let at = 0; at < 60; at += 1) {
    far.say(1000);
    await pass(1000);
  }
  assert.deepEqual(far.asked, [0, 12_000, 24_000, 36_000, 48_000, 60_000]);
});

test("one who dialled and says nothing more is cut after 12.5 s; one who does stays", async () => {
  const { far, pass } = stage("inbound");
  for (let at = 0; at < 10; at += 1) {
    far.say(30);
    await pass(5000);
  }
  assert.equal(far.cut, undefined);
  far.alive = false;
  await pass(10_000);
  assert.equal(far.cut, 57_500);
  assert.deepEqual(far.asked, [54_000]);
});

test("where the system watches, 500 idle connections are asked 17 times a second, and one that is used again at once", async () => {
  const { far, pass } = stage("outbound", true);
  assert.deepEqual(far.kept, [{ enable: true, initialDelay: 4000, interval: 1000, count: 4 }]);
  await pass(130_000);
  assert.deepEqual(far.asked.slice(-4), [33_000, 63_000, 93_000, 123_000]);
  far.alive = false;
  far.made?.used();
  far.made?.used();
  assert.deepEqual(far.asked.slice(-1), [130_000]);
  await pass(4000);
  assert.equal(far.cut, 133_500);
});

test("who was dialled asks too: after a minute of silence at rest, and when it uses again what rested", async () => {
  const { far, pass } = stage("inbound", true);
  const rest = async (seconds: number) => {
    for (let at = 0; at < seconds; at += 30) {
      await pass(30_000);
      far.say(30);
    }
  };
  await rest(120);
  far.asked.length = 0;
  await rest(120);
  assert.deepEqual(far.asked, []);
  await pass(61_000);
  assert.deepEqual(far.asked, [300_000]);
  far.alive = false;
  far.made?.used();
  await pass(4000);
  assert.equal(far.cut, 304_500);
});

test("who slept waits anew before it takes the other side for dead", async () => {
  const clock = simulatedClock(1);
  let late = 600_000;
  const sleepy = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms: number, act: () => void) => clock.after(ms + late, act),
  };
  const far = new Far(clock);
  new Beats(sleepy, 3000, {} as never, new AbortController().signal).opened(far.link("inbound"));
  late = 0;
  far.alive = false;
  await clock.advanceAsync(609_000 + 12_000);
  assert.equal(far.cut, undefined);
  await clock.advanceAsync(1000);
  assert.equal(far.cut, 609_000 + 12_500);
});

class Arriving extends EventTarget {
  status = "open";
  close(): void {
    this.status = "closed";
    this.dispatchEvent(new Event("close"));
  }
}

test("handshakes have their turn in order of arrival, and neither silence nor an end keeps a place", async () => {
  const clock = simulatedClock(1);
  const admission = new Admission(clock);
  const entered: number[] = [];
  const all = Array.from({ length: 200 }, () => new Arriving());
  for (const [at, one] of all.entries()) void admission.enter(one as never).then(() => entered.push(at));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  await settled();
  assert.equal(entered.length, 64);
  for (const one of all.slice(0, 10)) admission.leave(one as never);
  await settled();
  assert.deepEqual(entered.slice(64), [64, 65, 66, 67, 68, 69, 70, 71, 72, 73]);
  for (const one of all.slice(74, 100)) one.close();
  await settled();
  for (const one of all.slice(10, 12)) one.close();
  await settled();
  assert.deepEqual(entered.slice(-2), [100, 101]);
  clock.advance(1000);
  await settled();
  assert.equal(entered.length, 64 + 10 + 26 + 2 + 64);
});
