import assert from "node:assert/strict";
import { test } from "node:test";
import { Lookout } from "./lookout.ts";

/** A loop whose turns are taken by hand. */
function handLoop() {
  let now = 0;
  const acts: (() => void)[] = [];
  return {
    loop: { defer: (act: () => void) => void acts.push(act), monotonic: () => now },
    pass: (ms: number) => {
      now += ms;
    },
    /** Takes turns of a hundredth of a millisecond until nothing is left, and tells how many. */
    rest: (most = 1000): number => {
      for (let taken = 0; taken < most; taken += 1) {
        const act = acts.shift();
        if (!act) return taken;
        now += 0.01;
        act();
      }
      return most;
    },
    get waiting(): number {
      return acts.length;
    },
  };
}

function prompt(hand: ReturnType<typeof handLoop>, lookout: Lookout, times: number): void {
  for (let at = 0; at < times; at += 1) {
    lookout.sent();
    hand.pass(0.05);
    lookout.came();
  }
}

test("nobody looks before the other side was prompt sixteen times", () => {
  const hand = handLoop();
  const lookout = new Lookout(hand.loop);
  prompt(hand, lookout, 16);
  assert.equal(hand.waiting, 0);
  lookout.sent();
  assert.equal(hand.waiting, 1);
});

test("a look in vain ends after a tenth of a millisecond, and the next needs a new streak", () => {
  const hand = handLoop();
  const lookout = new Lookout(hand.loop);
  prompt(hand, lookout, 16);
  lookout.sent();
  const turns = hand.rest();
  assert.ok(turns >= 9 && turns <= 11, `${turns} turns`);
  hand.pass(5);
  lookout.came();
  prompt(hand, lookout, 15);
  lookout.sent();
  assert.equal(hand.waiting, 0);
});

test("one look goes on over many requests, with one turn at a time", () => {
  const hand = handLoop();
  const lookout = new Lookout(hand.loop);
  prompt(hand, lookout, 16);
  for (let at = 0; at < 100; at += 1) {
    lookout.sent();
    assert.equal(hand.waiting, 1);
    hand.rest(1);
    lookout.came();
  }
  assert.equal(hand.rest(), 1);
});

test("who is always late is never looked for", () => {
  const hand = handLoop();
  const lookout = new Lookout(hand.loop);
  for (let at = 0; at < 100; at += 1) {
    lookout.sent();
    hand.pass(0.2);
    lookout.came();
  }
  assert.equal(hand.waiting, 0);
});

test("what comes without anything sent ends a streak", () => {
  const hand = handLoop();
  const lookout = new Lookout(hand.loop);
  prompt(hand, lookout, 16);
  lookout.came();
  lookout.sent();
  assert.equal(hand.waiting, 0);
});

test("where the clock stands still a look ends after 256 turns", () => {
  const acts: (() => void)[] = [];
  const lookout = new Lookout({ defer: (act) => void acts.push(act), monotonic: () => 7 });
  for (let at = 0; at < 16; at += 1) {
    lookout.sent();
    lookout.came();
  }
  lookout.sent();
  let turns = 0;
  for (let act = acts.shift(); act && turns < 1000; act = acts.shift()) {
    turns += 1;
    act();
  }
  assert.equal(turns, 256);
});
