import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import {
  type Command,
  consoleLimits,
  fieldOf,
  guardLine,
  LineFault,
  parseAuth,
  parseCommand,
  parseReply,
  printCommand,
  printErr,
  printOk,
  printRefusal,
  summarize,
  unguardLine,
  verbs,
} from "./mod.ts";

const word = (max: number) =>
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength: max })
    .filter((text) => /^[^\s]+$/.test(text) && text.length <= max);
const line = (max: number) =>
  fc.string({ minLength: 1, maxLength: max }).filter((text) => text.trim() !== "" && !/[\r\n]/.test(text));
const bare = ["PING", "LOG", "QUIT", "HELP", "BI", "CAPS", "MEM", "NETSTATS", "NETTEST"] as const;
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ verb: fc.constantFrom(...bare) }),
  fc.record({ verb: fc.constantFrom("LS" as const, "CAT" as const, "TAIL" as const), path: word(96) }),
  fc.record({ verb: fc.constant("ECHO" as const), path: word(96), payload: line(128) }),
  fc.record({ verb: fc.constant("SPAWN" as const), payload: line(192).map((text) => text.trim()) }),
  fc.record({ verb: fc.constant("KILL" as const), worker: word(32) }),
  fc.record(
    { verb: fc.constant("ATTACH" as const), role: word(16), ticket: word(224) },
    { requiredKeys: ["verb", "role"] },
  ),
  fc.record({ verb: fc.constant("CACHELOG" as const), count: fc.nat(999_999) }, { requiredKeys: ["verb"] }),
  fc.record(
    { verb: fc.constant("TEST" as const), mode: fc.constantFrom("quick" as const, "full" as const) },
    { requiredKeys: ["verb"] },
  ),
);

test("parsing what was printed gives the command back, in any case of the verb", () => {
  fc.assert(
    fc.property(commands, fc.boolean(), (command, lower) => {
      const printed = printCommand(command);
      const verb = command.verb;
      const text = lower ? verb.toLowerCase() + printed.slice(verb.length) : printed;
      assert.deepEqual(parseCommand(text), { ...command });
    }),
  );
});

test("there are 18 verbs", () => assert.equal(Object.keys(verbs).length, 18));

test("a line that is no command is refused with the original's text, under its verb where it has one", () => {
  const long = (count: number) => "x".repeat(count);
  const cases: [string, string, string][] = [
    ["", "PARSE", "empty command"],
    ["  ", "PARSE", "empty command"],
    ["PING\r", "PARSE", "empty command"],
    ["LS /a\nLS /b", "PARSE", "empty command"],
    ["BOGUS x", "PARSE", "unsupported console command"],
    ["constructor", "PARSE", "unsupported console command"],
    ["LS", "LS", "missing required argument: path"],
    ["ls ", "LS", "missing required argument: path"],
    ["ECHO /p", "ECHO", "missing required argument: payload"],
    ["ECHO /p  ", "ECHO", "missing required argument: payload"],
    ["SPAWN", "SPAWN", "missing required argument: payload"],
    ["KILL", "KILL", "missing required argument: worker"],
    ["ATTACH", "ATTACH", "missing required argument: role"],
    [`CAT /${long(96)}`, "CAT", "argument path exceeds allowed length"],
    [`ECHO /p ${long(129)}`, "ECHO", "argument payload exceeds allowed length"],
    [
      `ECHO /queen/telemetry/d/seg/seg-000001 ${long(4097)}`,
      "ECHO",
      "argument payload exceeds allowed length",
    ],
    [`ECHO /queen/telemetryx ${long(129)}`, "ECHO", "argument payload exceeds allowed length"],
    [`ECHO /gpu/GPU-0/lease ${long(1025)}`, "ECHO", "argument payload exceeds allowed length"],
    [`ATTACH ${long(17)}`, "ATTACH", "argument role exceeds allowed length"],
    [`ATTACH queen ${long(225)}`, "ATTACH", "argument ticket exceeds allowed length"],
    [`SPAWN ${long(193)}`, "SPAWN", "argument payload exceeds allowed length"],
    ["TEST everything", "TEST", "invalid value for argument test"],
  ];
  for (const [text, verb, detail] of cases)
    assert.throws(
      () => parseCommand(text),
      (thrown) => thrown instanceof LineFault && thrown.verb === verb && thrown.text === detail,
      text,
    );
});

test("limits count characters, words behind a path are ignored, and limits are an argument", () => {
  assert.deepEqual(parseCommand(`CAT /${"é".repeat(95)} more words`), {
    verb: "CAT",
    path: `/${"é".repeat(95)}`,
  });
  assert.equal(parseCommand(`ECHO /p ${"🐝".repeat(128)}`).verb, "ECHO");
  assert.throws(() => parseCommand("LS /abc", { ...consoleLimits, path: 3 }), /path exceeds/);
  const ticket = "t".repeat(700);
  assert.deepEqual(parseCommand(`attach queen ${ticket}`), { verb: "ATTACH", role: "queen", ticket });
});

test("a refused line never repeats a ticket or token", () => {
  const secret = `cohesix-ticket-${"a".repeat(230)}`;
  assert.throws(
    () => parseCommand(`ATTACH queen ${secret}`, { ...consoleLimits, line: 300 }),
    (thrown) => thrown instanceof Fault && !thrown.message.includes("cohesix"),
  );
  assert.equal(parseAuth("auth changeme"), "changeme");
  assert.equal(parseAuth("AUTH"), undefined);
  assert.equal(parseAuth("AUTHchangeme"), undefined);
});

test("acknowledgements are capped at 128 bytes of detail and a piece that does not fit is left out whole", () => {
  assert.equal(printOk("AUTH"), "OK AUTH");
  assert.equal(printOk("LS", ["path=/queen", "entries=3"]), "OK LS path=/queen entries=3");
  assert.equal(printOk("SPAWN", [`payload=${"x".repeat(121)}`]), "OK SPAWN");
  const path = `/${"x".repeat(95)}`;
  assert.equal(
    printErr({ verb: "LS", reason: "policy", detail: "invalid-path", path, error: "invalid path" }),
    "ERR LS reason=policy ",
  );
});

test("faults become the refusals of the facts page", () => {
  const absent = new Fault("absent", "walk.absent", "m");
  const cases: [string, string][] = [
    [
      printRefusal("CAT", absent, "/nope"),
      "ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path",
    ],
    [printRefusal("TAIL", absent, "/nope"), "ERR TAIL reason=policy detail=invalid-path path=/nope"],
    [
      printRefusal("SPAWN", new Fault("invalid", "q.x", "m")),
      "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload",
    ],
    [
      printRefusal("ECHO", new Fault("denied", "g.d", "m"), "/p"),
      "ERR ECHO reason=policy detail=denied path=/p error=EPERM",
    ],
    [
      printRefusal("ECHO", new Fault("denied", "g.d", "m", { detail: "ticket-scope" }), "/p"),
      "ERR ECHO reason=policy path=/p error=EPERM",
    ],
    [
      printRefusal("ECHO", new Fault("quota", "g.r", "m", { detail: "ticket-limit" }), "/p"),
      "ERR ECHO reason=quota path=/p error=ELIMIT",
    ],
    [
      printRefusal("ECHO", new Fault("quota", "q.full", "m", { detail: "buffer-full" }), "/p"),
      "ERR ECHO reason=quota detail=buffer-full path=/p error=buffer full",
    ],
    [
      printRefusal(
        "ECHO",
        new Fault("conflict", "l.s", "m", { detail: "lifecycle-denied state=DRAINING" }),
        "/p",
      ),
      "ERR ECHO reason=policy detail=lifecycle-denied state=DRAINING path=/p",
    ],
  ];
  for (const [printed, wanted] of cases) assert.equal(printed, wanted);
});

test("replies are told apart and read back", () => {
  assert.deepEqual(parseReply("END"), { status: "END" });
  assert.deepEqual(parseReply("OK ECHO path=/queen/ctl bytes=62"), {
    status: "OK",
    verb: "ECHO",
    detail: "path=/queen/ctl bytes=62",
  });
  assert.deepEqual(parseReply("ERR PARSE reason=policy detail=unsupported console command"), {
    status: "ERR",
    verb: "PARSE",
    reason: "policy",
    detail: "unsupported console command",
  });
  assert.deepEqual(parseReply("ERR LS reason=policy "), { status: "ERR", verb: "LS", reason: "policy" });
  assert.equal(parseReply("error=x").status, "DATA");
  const detail = "path=/p data=a|path=/q b";
  assert.deepEqual(
    [fieldOf(detail, "path"), fieldOf(detail, "data"), fieldOf(detail, "x")],
    ["/p", "a|path=/q b", undefined],
  );
});

test("a printed refusal reads back as it was", () => {
  const field = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/);
  const reply = fc.record(
    { verb: fc.constant("ECHO"), reason: field, detail: field, path: field, error: field },
    { requiredKeys: ["verb", "reason"] },
  );
  fc.assert(
    fc.property(reply, (made) => assert.deepEqual(parseReply(printErr(made)), { status: "ERR", ...made })),
  );
});

test("no data line can pass for an acknowledgement, END or PONG, and every one comes back as it was", () => {
  const nasty = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "END",
      "PONG",
      "OK ECHO path=/p",
      "ERR LS reason=policy",
      "OK",
      "\\END",
      "\\\\OK x",
      "END ",
    ),
  );
  fc.assert(
    fc.property(nasty, (text) => {
      assert.deepEqual(parseReply(guardLine(text)), { status: "DATA", text });
      assert.equal(unguardLine(guardLine(text)), text);
    }),
  );
});

test("the CAT summary takes the newest lines that fit, oldest first, and no long or bracketed ones", () => {
  const log = ["[boot] x", "y".repeat(65), "batch-1", "batch-2", "batch-3"];
  assert.equal(summarize("/log/queen.log", log), "batch-1|batch-2|batch-3");
  assert.equal(summarize("/p", ["[boot] x"]), "[boot] x");
  assert.equal(summarize("/p", []), "");
  const many = Array.from({ length: 40 }, (_, at) => `line-${at}`);
  const shown = summarize("/p", many);
  assert.ok(shown.endsWith("|line-39") && Buffer.byteLength(`path=/p data=${shown}`) <= 128);
  assert.equal(summarize("/p", [`b64:${"A".repeat(240)}`]).length, 128 - "path=/p data=".length);
});
