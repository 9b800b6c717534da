import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { clientLine, parseScript, runScript, type ScriptTransport } from "./mod.ts";

function transport(answers: Record<string, readonly string[]>) {
  const sent: string[] = [];
  const waited: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (ms, act) => {
      waited.push(ms);
      queueMicrotask(act);
      return { stop: () => undefined };
    },
  };
  const made: ScriptTransport = {
    clock,
    send: async (line) => {
      sent.push(line);
      const answer = answers[line];
      if (!answer) throw new Error(`no answer for "${line}"`);
      return answer;
    },
  };
  return { made, sent, waited };
}

const answers = {
  "ATTACH queen ": ["OK ATTACH role=queen"],
  "TAIL /log/queen.log": ["OK TAIL path=/log/queen.log", "boot", "END"],
  "ECHO /log/queen.log batch 1": ["OK ECHO path=/log/queen.log bytes=7"],
  "CAT /log/queen.log": ["OK CAT path=/log/queen.log data=batch 1", "batch 1", "END"],
  "CAT /nope": ["ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path"],
  PING: ["OK PING reply=pong", "PONG"],
  QUIT: ["OK QUIT"],
};

test("a script passes when every expectation holds, and quit ends it", async () => {
  const { made, sent, waited } = transport(answers);
  const script = parseScript(`# first light
attach queen
EXPECT OK
log
EXPECT SUBSTR /log/queen.log
WAIT 250
echo "batch 1" > /log/queen.log   # appended
EXPECT OK
cat /log/queen.log
EXPECT SUBSTR data=batch 1
EXPECT NOT ERR
cat /nope
EXPECT ERR
quit
EXPECT OK
ping
`);
  const result = await runScript(script, made);
  assert.equal(result.pass, true);
  assert.deepEqual(
    sent,
    Object.keys(answers).filter((line) => line !== "PING"),
  );
  assert.deepEqual(waited, [250]);
  assert.equal(result.transcript.at(-1), "< OK QUIT");
});

test("an unmet expectation and an unexpected refusal fail with their line", async () => {
  const unmet = await runScript(parseScript("ping\n\nEXPECT ERR"), transport(answers).made);
  assert.ok(!unmet.pass);
  assert.deepEqual([unmet.line, unmet.why], [3, 'expected ERR, the response was "OK PING reply=pong"']);
  const refused = await runScript(parseScript("cat /nope\nping"), transport(answers).made);
  assert.ok(!refused.pass && refused.line === 1 && refused.why.startsWith("refused: ERR CAT"));
  const broken = await runScript(parseScript("ls /x"), transport(answers).made);
  assert.ok(!broken.pass && broken.why.includes("no answer"));
});

test("an expectation sees only the newest acknowledgement of the last command", async () => {
  const result = await runScript(parseScript("log\nEXPECT SUBSTR boot"), transport(answers).made);
  assert.equal(result.pass, false);
});

test("lines that are no statement are refused with their number", () => {
  assert.throws(() => parseScript("ping\nWAIT 2001"), /line 2/);
  assert.throws(() => parseScript("ping\nEXPECT MAYBE"), /line 2/);
  assert.throws(() => parseScript("EXPECT OK"), /line 1/);
  assert.throws(() => parseScript("ping\n".repeat(257)), /256 lines/);
  assert.equal(parseScript("ping\n".repeat(256)).length, 256);
});

test("what people type becomes the console line that the original's client sends", () => {
  const cases: [string, string][] = [
    ["attach queen", "ATTACH queen "],
    ["login worker-gpu T", "ATTACH worker-gpu T"],
    ["ls /queen", "LS /queen"],
    ["log", "TAIL /log/queen.log"],
    ["echo 'a b' > /p", "ECHO /p a b"],
    ['echo {"a":"b"} > /p', 'ECHO /p {"a":"b"}'],
    [
      "spawn heartbeat ticks=5 ttl_s=60 ops=10",
      'ECHO /queen/ctl {"spawn":"heartbeat","ticks":5,"budget":{"ttl_s":60,"ops":10}}',
    ],
    [
      "spawn gpu gpu_id=GPU-0 mem_mb=4096 streams=1 ttl_s=120",
      'ECHO /queen/ctl {"spawn":"gpu","lease":{"gpu_id":"GPU-0","mem_mb":4096,"streams":1,"ttl_s":120}}',
    ],
    ["kill worker-1", 'ECHO /queen/ctl {"kill":"worker-1"}'],
    ["mount logs /logs", 'ECHO /queen/ctl {"mount":{"service":"logs","at":"/logs"}}'],
    ["lifecycle drain", "ECHO /queen/lifecycle/ctl drain"],
    ["detach", "QUIT"],
    ["ping", "PING"],
  ];
  for (const [typed, line] of cases) assert.equal(clientLine(typed), line);
  assert.equal(clientLine("echo {{msize_overflow}} > /p").length, "ECHO /p ".length + 8256);
  assert.throws(() => clientLine("pool bench ops=64"), /no such verb/);
});
