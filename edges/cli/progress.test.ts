import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { createFakeIo } from "./fake-io.ts";
import { StandardOut } from "./out.ts";
import { drawBar } from "./progress.ts";

function byHand(): { clock: Clock; pass: (ms: number) => void } {
  let now = 0;
  const timers = new Set<{ at: number; act: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after: (ms, act) => {
      const timer = { at: now + ms, act };
      timers.add(timer);
      return { stop: () => timers.delete(timer) };
    },
  };
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; now++)
      for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.act();
  };
  return { clock, pass };
}

const global = {
  json: false,
  home: undefined,
  context: undefined,
  quiet: false,
  verbose: false,
  input: true,
  color: true,
};

function bar(tty: boolean, quiet = false) {
  const { clock, pass } = byHand();
  const io = createFakeIo([], { tty, columns: 70, clock });
  const out = new StandardOut(io, { ...global, quiet }, () => {});
  return { io, out, pass, progress: out.progress({ label: "Copying", total: 200, unit: "bytes" }) };
}

test("work that ends within a second draws nothing", () => {
  const { io, pass, progress } = bar(true);
  progress.add(100);
  pass(900);
  progress.done();
  pass(5000);
  assert.equal(io.err(), "");
});

test("a bar appears after a second, makes room for messages, and leaves nothing behind", () => {
  const { io, out, pass, progress } = bar(true);
  progress.set(100);
  pass(1001);
  assert.equal(io.err(), "\r\x1b[2KCopying  [############------------]  50%  100 B of 200 B");
  out.message("hello");
  assert.ok(io.err().endsWith("\r\x1b[2Khello\n"));
  pass(200);
  assert.ok(io.err().endsWith("100 B of 200 B"));
  progress.done();
  pass(5000);
  assert.ok(io.err().endsWith("100 B of 200 B\r\x1b[2K"));
});

test("nothing is drawn where stderr is no terminal or --quiet is given", () => {
  for (const each of [bar(false), bar(true, true)]) {
    each.pass(10_000);
    assert.equal(each.io.err(), "");
  }
});

test("a bar never wraps, and one without a total shows what is done", () => {
  for (const columns of [20, 40, 60, 200])
    assert.ok(drawBar({ label: "x".repeat(300), total: 10 }, 5, columns).length < columns);
  assert.equal(drawBar({ label: "Reading", unit: "records" }, 1234, 80), "Reading  1,234 records");
  assert.match(drawBar({ label: "Over", total: 10 }, 50, 80), /100%/);
});
