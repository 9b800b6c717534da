// Each way in which a signed act can be wrong, through every edge, with ssh-keygen as the signer.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Client } from "@skep/ninep";
import { ConsoleClient } from "@skep/testing";
import { makeOwnerTicket } from "../access/tickets.ts";
import { faultOf } from "../client/control.ts";
import { connect, homeTarget } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { Keys, withoutKeygen as skip } from "./keys.ts";

const keys = new Keys();
let place: TestHive;
let client: Client;
let ticket = "";
before(async () => {
  if (skip) return;
  place = await startTestHive(undefined, { SKEP_HTTP: "0", SKEP_CONSOLE: "0" });
  await makeOwnerTicket(place.home, Date.now());
  ticket = readFileSync(join(place.home, "owner.ticket"), "utf8").trim();
  client = await connect(homeTarget(place.home));
  const lines = ["ann,owner", "bob", "rosa", "norole"].map(
    (name) => `${name} ${keys.make(name.replace(",owner", ""))}`,
  );
  lines.push(`carol valid-before="20260101Z" ${keys.make("carol")}`);
  lines.push(`dave valid-after="20990101Z" ${keys.make("dave")}`);
  lines.push(`erin namespaces="file,git" ${keys.make("erin")}`);
  const lost = keys.make("lost");
  lines.push(`bob ${lost}`);
  keys.make("mallory");
  const roles = [
    "ann operational",
    "bob operational",
    "rosa recovery",
    "carol operational",
    "dave operational",
  ];
  const told = {
    op: "signers",
    allowed: `${lines.join("\n")}\n`,
    roles: `${[...roles, "erin operational"].join("\n")}\n`,
    revoked: `${lost}\n`,
  };
  const { owner } = place.hive;
  const rule =
    '@id("default") permit (principal, action, resource);\n@id("two") @approvals("1") forbid (principal, action == Action::"spawn", resource);';
  assert.equal(
    (await owner.append("/policy/ctl", { op: "apply", files: { "a.cedar": rule } })).verdict,
    "ok",
  );
  assert.equal((await owner.append("/policy/ctl", told)).verdict, "ok");
});
after(async () => {
  keys[Symbol.dispose]();
  if (skip) return;
  await client.close();
  await place[Symbol.asyncDispose]();
});

type Edge = (line: object) => Promise<string>;

/** Each edge, and the code that it answers a refused approval with. */
const edges: Readonly<Record<string, Edge>> = {
  session: async (line) => (await place.hive.owner.append("/actions/queue", line as never)).code ?? "ok",
  "9P": async (line) => {
    try {
      const answer = await appendLine(
        client,
        "/actions/queue",
        JSON.stringify(line),
        AbortSignal.timeout(5000),
      );
      return faultOf(answer)?.code ?? "ok";
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  },
  HTTP: async (line) => {
    const answer = await fetch(`http://127.0.0.1:${place.at.http?.port}/v1/fs/echo`, {
      method: "POST",
      headers: { Authorization: `Bearer ${ticket}`, "Content-Type": "application/json" },
      body: JSON.stringify({ path: "/actions/queue", line: JSON.stringify(line) }),
    });
    const { status, code } = (await answer.json()) as { status: string; code?: string };
    return status === "OK" ? "ok" : (code ?? `${answer.status}`);
  },
};

interface Row {
  readonly why: string;
  readonly want: string;
  readonly by?: string;
  readonly namespace?: string;
  readonly forge?: (statement: string) => string;
  readonly garble?: (signature: string) => string;
  /** The signed text stays away. */
  readonly unseen?: boolean;
}

const line = (key: string, value: string) => (text: string) =>
  text.replace(new RegExp(`^${key}: .*$`, "m"), `${key}: ${value}`);

const rows: readonly Row[] = [
  { why: "a stranger", want: "statement.unknown-signer", by: "mallory" },
  { why: "a key without a role", want: "statement.unknown-signer", by: "norole" },
  { why: "a key that has ended", want: "statement.expired", by: "carol" },
  { why: "a key that has not begun", want: "statement.not-yet-valid", by: "dave" },
  { why: "a key for other namespaces", want: "statement.wrong-namespace", by: "erin" },
  { why: "a revoked key", want: "statement.revoked", by: "lost" },
  { why: "signed for files", want: "statement.wrong-namespace", by: "bob", namespace: "file" },
  { why: "recovery", want: "statement.wrong-role", by: "rosa" },
  { why: "whoever asked", want: "policy.own", by: "ann" },
  // Signed elsewhere and brought back with its text: what is wrong with it is told.
  { why: "another hive", want: "statement.wrong-hive", forge: line("hive", "another") },
  { why: "another act", want: "statement.wrong-act", forge: line("act", "queen.kill") },
  { why: "another target", want: "statement.wrong-target", forge: line("target", "/queen/other") },
  {
    why: "another thing there",
    want: "statement.changed-target",
    forge: line("target-identity", `sha256:${"0".repeat(64)}`),
  },
  {
    why: "another content there",
    want: "statement.changed-target",
    forge: line("target-digest", `sha256:${"0".repeat(64)}`),
  },
  {
    why: "another parameter",
    want: "statement.wrong-parameters",
    forge: (text) => text.replace("heartbeat", "gpu"),
  },
  {
    why: "a time that is over",
    want: "statement.expired",
    forge: (text) =>
      line("not-before", "2026-01-01T00:00:00Z")(line("not-after", "2026-01-02T00:00:00Z")(text)),
  },
  {
    why: "a time to come",
    want: "statement.not-yet-valid",
    forge: (text) =>
      line("not-before", "2098-01-01T00:00:00Z")(line("not-after", "2098-01-02T00:00:00Z")(text)),
  },
  { why: "another role", want: "statement.wrong-role", forge: line("role", "recovery"), by: "rosa" },
  {
    why: "a stranger's own text",
    want: "statement.wrong-hive",
    forge: line("hive", "another"),
    by: "mallory",
  },
  { why: "other words", want: "policy.statement", forge: line("reason", "a good one") },
  { why: "another nonce", want: "policy.statement", forge: line("nonce", "0".repeat(64)) },
  // Without its text it is a signature over something else.
  {
    why: "another text, unseen",
    want: "statement.bad-signature",
    forge: line("hive", "another"),
    unseen: true,
  },
  { why: "a signature that is none", want: "statement.malformed", garble: () => "signed, bob" },
  { why: "a cut signature", want: "statement.malformed", garble: (signature) => signature.slice(0, -40) },
];

const text = async (path: string): Promise<string> =>
  Buffer.from(await place.hive.owner.read(path)).toString();
const workers = async (): Promise<number> =>
  (await place.hive.owner.list(await place.hive.owner.find("/worker"))).length;

async function ask(ticks: number): Promise<{ readonly id: string; readonly statement: string }> {
  const { id, verdict } = await place.hive.owner.append("/queen/ctl", { spawn: "heartbeat", ticks });
  assert.equal(verdict, "waiting");
  return { id: String(id), statement: await text(`/actions/${id}/statement`) };
}

let ticks = 1;
for (const [edge, append] of Object.entries(edges)) {
  test(`${edge}: each wrong signature is refused for what is wrong with it, and nothing happens`, {
    skip,
  }, async () => {
    ticks += 1;
    const { id, statement } = await ask(ticks);
    const had = await workers();
    for (const { why, want, by = "bob", namespace, forge, garble, unseen } of rows) {
      const signed = forge?.(statement) ?? statement;
      assert.equal(signed === statement, forge === undefined, why);
      const signature = keys.sign(by, signed, namespace);
      const got = await append({
        action: id,
        decision: "approve",
        signature: garble?.(signature) ?? signature,
        ...(forge && !unseen && { statement: signed }),
      });
      assert.equal(got, want, why);
    }
    assert.match(await text(`/actions/${id}/status`), /^state=waiting/);
    assert.equal(await workers(), had);
  });

  test(`${edge}: the right one runs it once, and its replay is refused`, { skip }, async () => {
    ticks += 1;
    const { id, statement } = await ask(ticks);
    const had = await workers();
    const approval = { action: id, decision: "approve", signature: keys.sign("bob", statement) };
    assert.equal(await append(approval), "ok");
    for (let tries = 0; tries < 500 && !/^state=ran/.test(await text(`/actions/${id}/status`)); tries += 1)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await workers(), had + 1);
    assert.equal(await append(approval), "policy.over");
    const again = await ask(ticks);
    assert.notEqual(again.id, id);
    const replay = { ...approval, action: again.id };
    assert.equal(await append(replay), "statement.bad-signature");
    assert.equal(await append({ ...replay, statement }), "statement.replayed");
    assert.equal(await workers(), had + 1);
  });
}

test("console: a signature does not fit its line, and no approval without one counts", { skip }, async () => {
  const { id } = await ask(99);
  const { hive, at } = place;
  const token = readFileSync(join(hive.home, "secrets", "console.token"), "utf8").trim();
  assert.ok(at.console);
  const console_ = await ConsoleClient.attached(at.console, token, "queen");
  const had = await workers();
  console_.say(`ECHO /actions/queue ${JSON.stringify({ action: id, decision: "approve" })}`);
  assert.match((await console_.line()) ?? "", /^ERR ECHO reason=policy/);
  assert.equal(await workers(), had);
});
