import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { parseReply } from "@skep/grammar";
import { difference } from "./alike.ts";
import { type Answer, ConsoleRefusal } from "./door.ts";
import { parseTranscript, printTranscript } from "./format.ts";
import { contentLines } from "./play.ts";

const text = `# Who plays.
actor owner queen /:*
actor slow queen /queen:rw@2 ops=5

as owner
write /a/ctl {"x":1} => job
batch /a/ctl
| {"x":2}
| {"x":3}
repeat 3 /a/b line $n
----
ok {"job":"1"}
took 2
ok
`;

test("a transcript is printed as it was parsed, with the answers that it is given", () => {
  const blocks = parseTranscript(text);
  assert.equal(
    printTranscript(
      blocks,
      blocks.map(({ expected }) => expected),
    ),
    text,
  );
  assert.equal(printTranscript(blocks, [[], ["no"]]), text.replace(/ok \{.*$/s, "no\n"));
  assert.deepEqual(blocks[0]?.steps[1], {
    do: "actor",
    actor: { name: "slow", role: "queen", rights: [{ path: "/queen", verb: "rw", rate: 2 }], ops: 5 },
  });
  assert.deepEqual(blocks[1]?.steps.slice(1), [
    { do: "write", path: "/a/ctl", text: '{"x":1}', keep: "job" },
    { do: "batch", path: "/a/ctl", lines: ['{"x":2}', '{"x":3}'] },
    { do: "repeat", times: 3, path: "/a/b", text: "line $n" },
  ]);
});

test("a step that nobody knows and a block without answers are refused by line", () => {
  assert.throws(() => parseTranscript("shout /a\n----\n"), /no such step: "shout \/a"/);
  assert.throws(() => parseTranscript("read /a\n"), /without a line of four dashes: "read \/a"/);
});

function consoleRefusal(line: string): Answer {
  const reply = parseReply(line);
  if (reply.status !== "ERR") throw new Error(line);
  return { is: "refused", by: new ConsoleRefusal(reply), code: undefined };
}

test("a refusal of an edge is like the session's by what the edge can say, and by its code where it is known", () => {
  const act = { verb: "CAT", path: "/x", text: "" } as const;
  const refused = (by: Fault, code?: string): Answer => ({ is: "refused", by, code });
  const model = refused(new Fault("absent", "session.absent", "no"));
  const alike: readonly Answer[] = [
    refused(new Fault("absent", "ninep.remote", "no")),
    refused(new Fault("absent", "ninep.remote", "no"), "session.absent"),
    consoleRefusal("ERR CAT reason=policy detail=invalid-path path=/x error=invalid path"),
  ];
  const different: readonly Answer[] = [
    refused(new Fault("denied", "ninep.remote", "no")),
    refused(new Fault("absent", "ninep.remote", "no"), "jobs.unknown"),
    consoleRefusal("ERR CAT reason=policy detail=denied path=/x error=EPERM"),
    consoleRefusal("ERR CAT reason=busy detail=invalid-path path=/x error=invalid path"),
    { is: "lines", lines: [] },
    { is: "ok", result: "" },
  ];
  for (const answer of alike) assert.equal(difference(model, answer, act), undefined);
  for (const answer of different) assert.notEqual(difference(model, answer, act), undefined);
  const lines = (...all: string[]): Answer => ({ is: "lines", lines: all });
  assert.equal(difference(lines("a"), lines("a"), act), undefined);
  assert.equal(difference(lines("a"), lines("a", ""), act), "a / <empty>; the session: a");
});

test("content is told as lines with controls escaped, and as base64 where it is no text", () => {
  assert.deepEqual(contentLines(Buffer.from("a\u001b\n\nb")), ["a\\x1b", "", "b"]);
  assert.deepEqual(contentLines(Uint8Array.of(0xff)), ["b64:/w=="]);
});
