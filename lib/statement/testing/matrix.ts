// Every way in which a signed act can be wrong, once, for whoever makes the keys: node:crypto or ssh-keygen.
import assert from "node:assert/strict";
import { parseRevocations } from "@skep/sshsig";
import { type JudgeContext, judge } from "../judge.ts";
import { parseSigners } from "../roles.ts";
import { printStatement, statementNamespace } from "../statement.ts";
import type { Statement } from "../fields.ts";

/** A key of the tests. */
export interface TestKey {
  /** `TYPE BASE64`. */
  readonly pub: string;
  sign(text: string, namespace: string): Promise<string>;
}

const now = 1_795_166_000;
export const statement: Statement = {
  act: "guest.destroy",
  target: "/guests/pve1/101",
  targetIdentity: "uuid 8a1c",
  targetDigest: `sha256:${"ab".repeat(32)}`,
  parameters: { purge: true },
  reason: "lease ended",
  undo: "cannot be undone",
  hive: "h-3f9a",
  policyVersion: "12",
  notBefore: 1_795_165_200,
  notAfter: 1_795_168_800,
  nonce: "0123456789abcdef0123456789abcdef",
  role: "operational",
  action: "a17",
};

/** Alice owns two keys, carol's has ended, dave's has not begun, erin's is for files only; rosa may only rotate. */
export function createWorld(make: (name: string) => TestKey) {
  const names = [
    "alice",
    "alice2",
    "bob",
    "carol",
    "dave",
    "erin",
    "rosa",
    "norole",
    "mallory",
    "lost",
  ] as const;
  const keys = Object.fromEntries(names.map((name) => [name, make(name)])) as Record<
    (typeof names)[number],
    TestKey
  >;
  const allowed = [
    `alice ${keys.alice.pub}`,
    `alice namespaces="${statementNamespace}" ${keys.alice2.pub}`,
    `bob ${keys.bob.pub}`,
    `carol valid-before="20260101Z" ${keys.carol.pub}`,
    `dave valid-after="20270101Z" ${keys.dave.pub}`,
    `erin namespaces="file,git" ${keys.erin.pub}`,
    `rosa ${keys.rosa.pub}`,
    `norole ${keys.norole.pub}`,
    `bob ${keys.lost.pub}`,
  ].join("\n");
  const roles = [
    "# who may do what",
    "alice operational,recovery",
    "bob operational # on call",
    "carol operational",
    "dave operational",
    "erin operational",
    "rosa recovery",
  ].join("\n");
  const burnt = new Set<string>();
  const context: JudgeContext = {
    signers: parseSigners(`${allowed}\n`, roles),
    revocations: parseRevocations(`# taken back\n${keys.lost.pub}\n`),
    now,
    hive: "h-3f9a",
    act: "guest.destroy",
    target: { path: "/guests/pve1/101", identity: "uuid 8a1c", digest: statement.targetDigest },
    parameters: { purge: true },
    burnt: (nonce) => burnt.has(nonce),
  };
  return { keys, context, burnt };
}

export type World = ReturnType<typeof createWorld>;
type Name = keyof World["keys"];

/** One way of being wrong or right. */
interface Row {
  readonly why: string;
  /** Names that are counted, or the code of the refusal. */
  readonly want: string;
  readonly by?: readonly Name[];
  readonly said?: Partial<Statement>;
  readonly asked?: Partial<JudgeContext>;
  readonly namespace?: string;
  /** Done to the text after it was signed. */
  readonly forge?: (text: string) => string;
  readonly garble?: (signature: string) => string;
}

const rotation = { said: { act: "keys.rotate" }, asked: { act: "keys.rotate" } };

export const rows: readonly Row[] = [
  { why: "alice signs", want: "alice" },
  { why: "her second key", want: "alice", by: ["alice2"] },
  { why: "two owners of two", want: "alice,bob", by: ["alice", "bob"], asked: { signatures: 2 } },
  { why: "a stranger's beside enough", want: "alice", by: ["mallory", "alice"] },
  { why: "a stranger", want: "unknown-signer", by: ["mallory"] },
  { why: "a key without a role", want: "unknown-signer", by: ["norole"] },
  { why: "a key that has ended", want: "expired", by: ["carol"] },
  { why: "a key that has not begun", want: "not-yet-valid", by: ["dave"] },
  { why: "a key for other namespaces", want: "wrong-namespace", by: ["erin"] },
  { why: "a revoked key", want: "revoked", by: ["lost"] },
  { why: "signed for files", want: "wrong-namespace", namespace: "file" },
  { why: "after its end", want: "expired", asked: { now: statement.notAfter + 1 } },
  { why: "at its end", want: "alice", asked: { now: statement.notAfter } },
  { why: "before its begin", want: "not-yet-valid", asked: { now: statement.notBefore - 1 } },
  { why: "at no time", want: "not-yet-valid", asked: { now: Number.NaN } },
  { why: "burnt", want: "replayed", asked: { burnt: () => true } },
  { why: "another hive", want: "wrong-hive", asked: { hive: "h-0000" } },
  { why: "another act", want: "wrong-act", asked: { act: "guest.restore" } },
  {
    why: "another target",
    want: "wrong-target",
    asked: { target: { path: "/guests/pve1/102", identity: "uuid 8a1c", digest: statement.targetDigest } },
  },
  {
    why: "another thing at the path",
    want: "changed-target",
    asked: { target: { path: "/guests/pve1/101", identity: "uuid ffff", digest: statement.targetDigest } },
  },
  {
    why: "other content",
    want: "changed-target",
    asked: {
      target: { path: "/guests/pve1/101", identity: "uuid 8a1c", digest: `sha256:${"cd".repeat(32)}` },
    },
  },
  {
    why: "content is gone",
    want: "changed-target",
    asked: { target: { path: "/guests/pve1/101", identity: "uuid 8a1c", digest: null } },
  },
  { why: "another parameter", want: "wrong-parameters", asked: { parameters: { purge: false } } },
  { why: "a parameter more", want: "wrong-parameters", asked: { parameters: { purge: true, force: true } } },
  { why: "a parameter less", want: "wrong-parameters", asked: { parameters: {} } },
  { why: "recovery destroys", want: "wrong-role", by: ["rosa"], said: { role: "recovery" } },
  { why: "recovery says operational", want: "wrong-role", by: ["rosa"] },
  {
    why: "recovery rotates",
    want: "rosa",
    by: ["rosa"],
    ...rotation,
    said: { ...rotation.said, role: "recovery" },
  },
  { why: "operational rotates", want: "alice", ...rotation },
  {
    why: "operational says recovery",
    want: "wrong-role",
    by: ["bob"],
    ...rotation,
    said: { ...rotation.said, role: "recovery" },
  },
  {
    why: "the rules ask for recovery",
    want: "wrong-role",
    ...rotation,
    asked: { ...rotation.asked, role: "recovery" },
  },
  { why: "nobody signs", want: "too-few-signatures", by: [] },
  { why: "one of two", want: "too-few-signatures", asked: { signatures: 2 } },
  {
    why: "two keys of one owner",
    want: "too-few-signatures",
    by: ["alice", "alice2"],
    asked: { signatures: 2 },
  },
  { why: "one key twice", want: "too-few-signatures", by: ["bob", "bob"], asked: { signatures: 2 } },
  { why: "none asked for", want: "too-few-signatures", by: [], asked: { signatures: 0 } },
  { why: "one of two is revoked", want: "revoked", by: ["alice", "lost"], asked: { signatures: 2 } },
  { why: "whoever asked does not count", want: "too-few-signatures", asked: { excluded: ["alice"] } },
  { why: "the text was changed", want: "bad-signature", forge: (text) => text.replace("lease", "leash") },
  { why: "the text was garbled", want: "malformed", forge: (text) => text.replace("hive:", "hives:") },
  { why: "CRLF", want: "malformed", forge: (text) => text.replaceAll("\n", "\r\n") },
  { why: "a line more", want: "malformed", forge: (text) => `${text}role: recovery\n` },
  { why: "a signature that is none", want: "malformed", garble: () => "signed, alice" },
  { why: "a cut signature", want: "malformed", garble: (signature) => signature.slice(0, -40) },
  { why: "17 signatures", want: "malformed", by: Array.from({ length: 17 }, (): Name => "alice") },
];

/** Signs and judges one row: the counted names, or the code of the one refusal. */
export async function play({ keys, context }: World, row: Row): Promise<string> {
  const text = printStatement({ ...statement, ...row.said });
  const signers = row.by ?? ["alice"];
  const once = new Map<Name, string>();
  for (const name of new Set(signers))
    once.set(name, await keys[name].sign(text, row.namespace ?? statementNamespace));
  const signatures = signers.map((name) => once.get(name) ?? assert.fail(name));
  try {
    const garbled = row.garble ? signatures.map(row.garble) : signatures;
    const judged = judge(row.forge?.(text) ?? text, garbled, { ...context, ...row.asked });
    return judged.signers.join(",");
  } catch (thrown) {
    const code = String((thrown as { code?: unknown }).code);
    return code.startsWith("statement.") ? code.slice("statement.".length) : String(thrown);
  }
}
