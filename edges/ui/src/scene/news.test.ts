import assert from "node:assert/strict";
import { test } from "node:test";
import { HiveState } from "../state/hive.ts";
import { newsOf } from "./news.ts";

function told(...lines: readonly Readonly<Record<string, unknown>>[]): HiveState {
  const state = new HiveState(
    (act) => act(),
    () => 0,
  );
  for (const [at, line] of lines.entries())
    state.traced({ seq: at + 1, time: at, verdict: "ok", subject: "ann", path: "/jobs/ctl", ...line });
  return state;
}

test("what was done many times in a row is told once, with how often and the newest of them", () => {
  const submit = { command: { op: "submit" } };
  const news = newsOf(told({ command: { kill: "a" } }, submit, submit, submit), 6);
  assert.deepEqual(
    news.map(({ seq, text, count }) => [seq, text, count]),
    [
      [4, "submit", 3],
      [1, "kill a", 1],
    ],
  );
});

test("what machines say of themselves is no news, and a refusal of theirs is", () => {
  const own = { subject: "w-1", path: "/worker/w-1/beat", command: "1" };
  const host = { subject: "host/alpha", path: "/host/alpha/ctl", command: { op: "hello" } };
  const refused = { ...own, verdict: "refused", code: "gate.rate", message: "Too many", count: 4 };
  assert.deepEqual(
    newsOf(told(own, host, refused), 6).map(({ seq, text, reason, count }) => [seq, text, reason, count]),
    [[3, "Too many", "quota", 4]],
  );
});

test("no more are told than there is room for", () => {
  const kills = ["a", "b", "c", "c"].map((kill) => ({ command: { kill } }));
  const news = newsOf(told(...kills), 2);
  assert.deepEqual(
    news.map(({ text, count }) => [text, count]),
    [
      ["kill c", 2],
      ["kill b", 1],
    ],
  );
});
