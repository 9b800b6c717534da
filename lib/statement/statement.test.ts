import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestStatement, maxWindow, parseStatement, printStatement, type Statement } from "./mod.ts";

const statement: Statement = {
  act: "guest.destroy",
  target: "/guests/pve1/101",
  targetIdentity: "SHA256:mVb\\1",
  targetDigest: `sha256:${"ab".repeat(32)}`,
  parameters: { purge: true, disks: ["scsi0", "é😀\u007f"], keep: null },
  reason: "Café closes\nfor good\u202e ",
  undo: "cannot be undone; backup of 2026-11-19 is kept",
  hive: "h-3f9a",
  policyVersion: "12",
  notBefore: 1_795_165_200,
  notAfter: 1_795_168_800,
  nonce: "0123456789abcdef0123456789abcdef",
  role: "operational",
  action: "a0000017",
};

const text = `skep-statement v1
act: guest.destroy
target: /guests/pve1/101
target-identity: SHA256:mVb\\\\1
target-digest: sha256:${"ab".repeat(32)}
parameter.disks: ["scsi0","\\u00e9\\ud83d\\ude00\\u007f"]
parameter.keep: null
parameter.purge: true
reason: Caf\\u{e9} closes\\u{a}for good\\u{202e}\\u{20}
undo: cannot be undone; backup of 2026-11-19 is kept
hive: h-3f9a
policy-version: 12
not-before: 2026-11-20T09:00:00Z
not-after: 2026-11-20T10:00:00Z
nonce: 0123456789abcdef0123456789abcdef
role: operational
action: a0000017
`;

test("a statement is the text that a person reads, and reads back as it was", () => {
  assert.equal(printStatement(statement), text);
  assert.deepEqual(parseStatement(text), statement);
  assert.deepEqual(parseStatement(Buffer.from(text)), statement);
  assert.match(digestStatement(text), /^sha256:[0-9a-f]{64}$/);
  const bare = { ...statement, parameters: {}, targetDigest: null };
  assert.deepEqual(parseStatement(printStatement(bare)), bare);
});

const other = (from: string, to: string) => text.replace(from, to);

/** One change each, and the code that tells it. */
const broken: readonly (readonly [code: string, text: string])[] = [
  ["version", other("v1", "v2")],
  ["version", ` ${text}`],
  ["version", ""],
  ["line-ending", text.replaceAll("\n", "\r\n")],
  ["line-ending", "skep-statement v1"],
  ["character", other("cannot", "cann\u00f6t")],
  ["character", other("cannot", "can\tnot")],
  ["character", other("cannot", "can\x00not")],
  ["line", other("act: ", "act:")],
  ["line", other("hive: h-3f9a", "")],
  ["unknown-key", other("hive: ", "hives: ")],
  ["unknown-key", other("hive: ", "Hive: ")],
  ["unknown-key", `${text}extra: 1\n`],
  ["repeated-key", other("hive: h-3f9a\n", "hive: h-3f9a\nhive: h-3f9a\n")],
  ["repeated-key", other("parameter.keep: null\n", "parameter.keep: null\nparameter.keep: 1\n")],
  ["repeated-key", `${text}act: guest.destroy\n`],
  ["missing-key", other("hive: h-3f9a\n", "")],
  ["missing-key", other("nonce: 0123456789abcdef0123456789abcdef\n", "")],
  ["wrong-order", other("hive: h-3f9a\npolicy-version: 12\n", "policy-version: 12\nhive: h-3f9a\n")],
  [
    "wrong-order",
    other("parameter.keep: null\nparameter.purge: true\n", "parameter.purge: true\nparameter.keep: null\n"),
  ],
  ["wrong-order", other("parameter.keep: null\n", "").replace("hive: ", "parameter.keep: null\nhive: ")],
  ["trailing-bytes", `${text}\n`],
  ["trailing-bytes", `${text}x`],
  ["trailing-bytes", text.slice(0, -1)],
  ["value", other("act: guest.destroy", "act: Guest.destroy")],
  ["value", other("target: /", "target: ")],
  ["value", other("\\u{e9}", "\\u{00e9}")],
  ["value", other("\\u{e9}", "\\u{65}")],
  ["value", other("\\u{e9}", "\\u{d800}")],
  ["value", other("\\u{e9}", "\\u{110000}")],
  ["value", other("\\u{e9}", "\\xe9")],
  ["value", other("mVb\\\\1", "mVb\\1")],
  ["value", other("reason: Caf", "reason:  Caf")],
  ["value", other("parameter.purge: true", "parameter.purge: true ")],
  ["value", other("parameter.purge: true", "parameter.purge: tru")],
  ["value", other("parameter.purge: true", "parameter.purge: 1.0")],
  ["value", other("parameter.purge", "parameter.purge.x")],
  ["value", other("parameter.disks", "parameter.__proto__")],
  ["value", other("\\u00e9", "\\u00E9")],
  ["value", other("09:00:00Z", "09:00:00.0Z")],
  ["value", other("2026-11-20T09", "2026-11-31T09")],
  ["value", other("2026-11-20T10", "2026-11-20T09")],
  ["value", other("2026-11-20T10", "2026-12-21T10")],
  ["value", other("nonce: 0", "nonce: ")],
  ["value", other("role: operational", "role: root")],
  ["value", other("role: operational", "role: operational,recovery")],
  ["oversize", other("purge: true", `purge: "${"x".repeat(13_000)}"`)],
];

test("each other text is refused by its own code", () => {
  for (const [code, bad] of broken) {
    assert.notEqual(bad, text);
    assert.throws(() => parseStatement(bad), { name: "Fault", code: `statement.${code}` }, bad);
  }
});

const word = fc.stringMatching(/^[a-z][A-Za-z0-9-]{0,20}$/);
const prose = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((value) => value.isWellFormed());
const start = fc.integer({ min: 0, max: 253_000_000_000 });
const statements: fc.Arbitrary<Statement> = fc
  .record({
    act: fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(".")),
    target: prose.map((value) => `/${value}`),
    targetIdentity: prose,
    targetDigest: fc.option(
      fc.uint8Array({ minLength: 16, maxLength: 64 }).map((b) => `sha256:${Buffer.from(b).toString("hex")}`),
    ),
    parameters: fc.dictionary(word, fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }), { maxKeys: 5 }),
    reason: prose,
    undo: prose,
    hive: word,
    policyVersion: word,
    notBefore: start,
    notAfter: fc.constant(0),
    nonce: fc.uint8Array({ minLength: 16, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
    role: fc.constantFrom("operational", "recovery"),
    action: word,
  })
  .chain((one) =>
    fc.integer({ min: 1, max: maxWindow }).map((span) => ({ ...one, notAfter: one.notBefore + span })),
  );

test("parse undoes print, byte for byte, and the text shows all that it holds", () => {
  fc.assert(
    fc.property(statements, (one) => {
      const printed = printStatement(one);
      assert.match(printed, /^(?:[ -~]+\n)+$/);
      assert.equal(printStatement(parseStatement(printed)), printed);
      const again = parseStatement(printed);
      for (const key of ["target", "reason", "undo", "targetIdentity", "notAfter"] as const)
        assert.equal(again[key], one[key]);
    }),
  );
});

test("whatever parses is printed as it came: no second text says the same", () => {
  const at = fc.nat();
  fc.assert(
    fc.property(
      at,
      fc.constantFrom(" ", "\\", "\n", "e", "0", "{", "x", ":", "\u00e9", ""),
      fc.boolean(),
      (where, put, over) => {
        const place = where % text.length;
        const changed = text.slice(0, place) + put + text.slice(over ? place + 1 : place);
        try {
          assert.equal(printStatement(parseStatement(changed)), changed);
        } catch (thrown) {
          assert.match(String((thrown as { code?: unknown }).code), /^statement\./);
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("what no statement can hold is refused before it is shown to anybody", () => {
  const odd: readonly Partial<Statement>[] = [
    { reason: "" },
    { reason: "\ud800" },
    { reason: "x".repeat(1025) },
    { target: "guests" },
    { act: "destroy everything" },
    { notAfter: statement.notBefore },
    { notAfter: statement.notBefore + maxWindow + 1 },
    { notBefore: 1.5 },
    { notBefore: -1 },
    { nonce: "ab" },
    { parameters: { "two words": 1 } },
    { parameters: { when: undefined } },
    { parameters: { big: 1n } },
    { parameters: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, at])) },
  ];
  for (const change of odd)
    assert.throws(() => printStatement({ ...statement, ...change }), { code: "statement.value" });
});
