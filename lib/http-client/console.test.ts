import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleLines, type ConsoleVerbs, type FsReply } from "./mod.ts";

/** Verbs of a hive that takes everything, and what was asked of it. */
function hive() {
  const asked: string[] = [];
  const answer = (verb: string, path: string): FsReply => {
    asked.push(`${verb} ${path}`);
    return { status: "OK", verb, path, end: true, lines: ["one"], bytes: 3 };
  };
  const verbs: ConsoleVerbs = {
    fs: async (verb, path) => answer(verb, path),
    echo: async (path, line) => answer("echo", `${path} ${line}`),
  };
  return { asked, say: (typed: string) => consoleLines(verbs, typed, "queen") };
}

test("a line in capitals is the console's own, and other words are what the original's client takes", async () => {
  const spawned = '{"spawn":"heartbeat","ticks":2}';
  const cases: readonly (readonly [string, string, string])[] = [
    ["LOG", "OK LOG", "tail /log/queen.log"],
    ["log", "OK TAIL path=/log/queen.log", "tail /log/queen.log"],
    [`SPAWN ${spawned}`, `OK SPAWN payload=${spawned}`, `echo /queen/ctl ${spawned}`],
    ["spawn heartbeat ticks=2", "OK ECHO path=/queen/ctl bytes=31", `echo /queen/ctl ${spawned}`],
    ["ls /queen", "OK LS path=/queen entries=1", "ls /queen"],
  ];
  for (const [typed, acknowledged, call] of cases) {
    const { asked, say } = hive();
    assert.equal((await say(typed))[0], acknowledged, typed);
    assert.deepEqual(asked, [call], typed);
  }
});

test("another role than the session's is not attached, and what is no command is told as such", async () => {
  const { asked, say } = hive();
  assert.deepEqual(await say("attach queen"), ["OK ATTACH role=queen"]);
  assert.match((await say("attach worker-gpu"))[0] ?? "", /^ERR ATTACH reason=policy detail=denied/);
  assert.match((await say("DANCE"))[0] ?? "", /^ERR /);
  assert.deepEqual(asked, []);
});
