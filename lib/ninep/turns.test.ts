import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

/** A loop whose turns are taken by hand, and work that takes half a millisecond. */
function handLoop() {
  let now = 0;
  let acts: (() => void)[] = [];
  const done: string[] = [];
  const turns = new Turns({ defer: (act) => void acts.push(act), monotonic: () => now });
  return {
    turns,
    done,
    work: (name: string) => {
      done.push(name);
      now += 0.5;
    },
    turn: () => {
      const due = acts;
      acts = [];
      for (const act of due) act();
      return done.splice(0).join("");
    },
    get sleeps(): boolean {
      return acts.length === 0;
    },
  };
}

test("a turn is over after a millisecond, and the next one is not", () => {
  const { turns, work, turn } = handLoop();
  assert.equal(turns.over, false);
  work("a");
  assert.equal(turns.over, false);
  work("b");
  assert.equal(turns.over, true);
  turn();
  assert.equal(turns.over, false);
});

test("what is left is served in order, a millisecond of each turn, and then the loop sleeps", () => {
  const hand = handLoop();
  for (const name of ["a", "b", "c", "d", "e"]) hand.turns.later(() => hand.work(name));
  assert.deepEqual([hand.turn(), hand.turn(), hand.turn()], ["ab", "cd", "e"]);
  hand.turn();
  assert.equal(hand.sleeps, true);
});

test("what waited and what has just come share one turn", () => {
  const hand = handLoop();
  hand.turns.later(() => hand.work("a"));
  hand.turns.later(() => hand.work("b"));
  hand.turn();
  assert.equal(hand.turns.over, true);
  hand.turn();
  assert.equal(hand.turns.over, false);
});

test("who comes back for more in the turn that serves it waits for the next", () => {
  const hand = handLoop();
  const again = (left: number) => () => {
    hand.work(`${left}`);
    if (left > 0) hand.turns.later(again(left - 1));
  };
  hand.turns.later(again(3));
  assert.deepEqual([hand.turn(), hand.turn(), hand.turn(), hand.turn()], ["3", "2", "1", "0"]);
});

test("what nobody waits for comes last: one each turn while others wait, and more when none does", () => {
  const hand = handLoop();
  for (const name of ["x", "y", "z", "u"]) hand.turns.last(() => hand.work(name));
  for (const name of ["a", "b", "c", "d"]) hand.turns.later(() => hand.work(name));
  assert.deepEqual([hand.turn(), hand.turn(), hand.turn()], ["abx", "cdy", "zu"]);
  hand.turn();
  assert.equal(hand.sleeps, true);
});
