import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { fullAuthority, type Json, type Kernel, type Session, treeActs } from "@skep/kernel";
import {
  recordingFiles,
  type SimulatedClock,
  simulatedClock,
  toyAuthority,
  toyHive,
  toyProvider,
} from "@skep/testing";
import { policyProvider } from "./mod.ts";

const skip = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (apt: openssh-client)"
  : false;
const dir = mkdtempSync(join(tmpdir(), "skep-signed-"));
after(() => rmSync(dir, { recursive: true, force: true }));

function key(name: string, type = "ed25519"): string {
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", name, "-f", join(dir, name)]);
  return readFileSync(join(dir, `${name}.pub`), "utf8").trim();
}

function sign(name: string, text: string, namespace = "skep-statement@v1"): string {
  const file = join(dir, `${name}-statement`);
  writeFileSync(file, text);
  rmSync(`${file}.sig`, { force: true });
  execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-n", namespace, "-f", join(dir, name), file], {
    stdio: "ignore",
  });
  return readFileSync(`${file}.sig`, "utf8");
}

interface Hive {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly owner: Session;
}

async function hive(t: TestContext): Promise<Hive> {
  let kernel: Kernel | undefined;
  const live = (): Kernel => {
    if (!kernel) throw new Error("not open yet");
    return kernel;
  };
  const clock = simulatedClock(Date.parse("2026-11-20T09:00:00Z"));
  const policy = policyProvider({
    acts: () => treeActs(live().tree),
    record: (seq) => live().journal.record(seq),
    limits: { entries: 4 },
  });
  kernel = await toyHive({ files: recordingFiles(), clock, providers: [toyProvider(), policy] });
  t.after(() => kernel?.close());
  return { kernel, clock, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const text = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();
const status = async (session: Session, id: unknown) =>
  JSON.parse(await text(session, `/actions/${id}/status.json`)) as Record<string, unknown>;
const statement = (session: Session, id: unknown) => text(session, `/actions/${id}/statement`);
const approve = async (session: Session, id: unknown, signature: string) => {
  const line = { action: String(id), decision: "approve", signature };
  const { verdict, code, result } = await session.append("/actions/queue", line as Json);
  return code ?? (result as { ready?: boolean }).ready ?? verdict;
};
const base = '@id("default") permit (principal, action, resource);\n';
const rules = (annotations: string) =>
  `${base}@id("comb") ${annotations} forbid (principal, action, resource == Path::"/comb/ctl");`;
const apply = (session: Session, policy: string) =>
  session.append("/policy/ctl", { op: "apply", files: { "a.cedar": policy } });
const hatch = (session: Session, bee: string) => session.append("/comb/ctl", { op: "hatch", bee });

const ann = skip ? "" : key("ann");
const bob = skip ? "" : key("bob", "ecdsa");
const eve = skip ? "" : key("eve");
if (!skip) key("stranger");
// Ann's key is hers and the owner's: whoever asks with the owner's ticket is Ann.
const allowed = `ann,owner ${ann}\nbob ${bob}\neve valid-before="20260101Z" ${eve}\n`;
const roles = "ann operational\nbob operational\neve operational\n";
const groups = "bob oncall\n";
const enrol = (session: Session, more: object = {}) =>
  session.append("/policy/ctl", { op: "signers", allowed, roles, groups, ...more } as Json);

async function passed({ clock, kernel }: Hive, ms = 20): Promise<void> {
  await kernel.settled();
  await clock.advanceAsync(ms);
  await kernel.settled();
}

test("an action runs once somebody else's key has signed its statement; each wrong signature has its own refusal", {
  skip,
}, async (t) => {
  const all = await hive(t);
  const { owner, kernel } = all;
  assert.equal((await apply(owner, rules('@approvals("1") @role("oncall")'))).verdict, "ok");
  assert.deepEqual((await enrol(owner)).result, { version: 1, owners: ["ann", "bob", "eve"] });
  const { id, verdict } = await hatch(owner, "maja");
  assert.equal(verdict, "waiting");
  const told = await statement(owner, id);
  assert.equal(await approve(owner, id, sign("ann", told)), "policy.own");
  assert.equal(await approve(owner, id, sign("stranger", told)), "statement.unknown-signer");
  assert.equal(await approve(owner, id, sign("eve", told)), "statement.expired");
  assert.equal(await approve(owner, id, sign("bob", told, "file")), "statement.wrong-namespace");
  assert.equal(
    await approve(owner, id, sign("bob", told.replace("hatch", "retire"))),
    "statement.bad-signature",
  );
  assert.equal(await approve(owner, id, "no signature"), "statement.malformed");
  const queen = kernel.attach(toyAuthority("cat", { "/": ["read", "write", "approve"] }), "test");
  const unsigned = await queen.append("/actions/queue", { action: String(id), decision: "approve" });
  assert.equal(unsigned.code, "policy.unsigned");
  assert.equal(await text(owner, "/comb/count"), "0\n");
  const signature = sign("bob", told);
  assert.equal(await approve(owner, id, signature), true);
  assert.equal(await approve(owner, id, signature), "policy.again");
  await passed(all);
  assert.equal(await text(owner, "/comb/count"), "1\n");
  assert.equal(await approve(owner, id, signature), "policy.over");
  const next = await hatch(owner, "willi");
  assert.equal(await approve(owner, next.id, signature), "statement.bad-signature");
  assert.equal(await text(owner, "/comb/count"), "1\n");
});

test("two of three: one owner's two signatures are one, and a role that nobody else has is not met", {
  skip,
}, async (t) => {
  const all = await hive(t);
  const { owner } = all;
  await enrol(owner, { allowed: `${allowed}zoe ${eve}\n`, roles: `${roles}zoe operational\n` });
  const two = await apply(owner, rules('@approvals("2")'));
  assert.equal(two.verdict, "waiting", "with two signers a change of policy needs another's signature");
  assert.equal(await approve(owner, two.id, sign("bob", await statement(owner, two.id))), true);
  await passed(all);
  assert.equal((await status(owner, two.id)).state, "ran");
  const { id } = await hatch(owner, "maja");
  const told = await statement(owner, id);
  assert.equal(await approve(owner, id, sign("bob", told)), false);
  assert.equal(await approve(owner, id, sign("bob", told)), "policy.again");
  assert.equal(await approve(owner, id, sign("eve", told)), true);
  await passed(all);
  assert.equal(await text(owner, "/comb/count"), "1\n");
});

test("a rule that asks for a signature takes the requester's own", { skip }, async (t) => {
  const all = await hive(t);
  const { owner } = all;
  await apply(owner, rules('@signature("operational")'));
  await enrol(owner, { allowed: `ann,owner ${ann}\n`, roles: "ann operational\n" });
  const { id } = await hatch(owner, "maja");
  assert.equal(await approve(owner, id, sign("ann", await statement(owner, id))), true);
  await passed(all);
  assert.equal(await text(owner, "/comb/count"), "1\n");
});

test("a signer who is enrolled no more does not count", { skip }, async (t) => {
  const all = await hive(t);
  const { owner, kernel } = all;
  await apply(owner, rules('@approvals("2")'));
  const three = `ann,owner ${ann}\nbob ${bob}\nzoe ${eve}\n`;
  await enrol(owner, { allowed: three, roles: "ann operational\nbob operational\nzoe operational\n" });
  const { id } = await hatch(owner, "maja");
  const told = await statement(owner, id);
  assert.equal(await approve(owner, id, sign("bob", told)), false);
  const without = { version: 2, allowed: three, roles: "ann operational\nzoe operational\n", groups: "" };
  kernel.system("policy", "/policy/ctl", { op: "signers" }, () => ({
    events: [{ type: "enrolled@1", data: without }],
  }));
  assert.equal(await approve(owner, id, sign("eve", told)), false);
  await passed(all, 1500);
  assert.equal(await text(owner, "/comb/count"), "0\n");
});

test("signers that leave nobody who may sign, or that are half understood, are refused", {
  skip,
}, async (t) => {
  const { owner } = await hive(t);
  assert.equal(
    (await enrol(owner, { roles: "ann recovery\n", allowed: `ann ${ann}\n` })).code,
    "policy.noSigner",
  );
  assert.equal((await enrol(owner, { allowed: `${allowed}bob ssh-ed25519 AAAA\n` })).code, "policy.signers");
  assert.equal((await enrol(owner, { roles: "ann boss\n" })).code, "policy.signers");
  assert.equal((await enrol(owner, { groups: "bob\n" })).code, "policy.signers");
  await apply(
    owner,
    `${base}@id("two") @approvals("2") forbid (principal, action == Action::"signers", resource);`,
  );
  assert.equal(
    (await apply(owner, `${base}@id("two") @approvals("2") forbid (principal, action, resource);`)).code,
    "policy.locked",
  );
});

test("a key that is revoked, as a line or in a KRL of ssh-keygen, counts no more, for what it signed too", {
  skip,
}, async (t) => {
  const all = await hive(t);
  const { owner } = all;
  await apply(owner, rules('@approvals("2")'));
  const three = {
    allowed: `ann,owner ${ann}\nbob ${bob}\nzoe ${eve}\n`,
    roles: "ann operational\nbob operational\nzoe operational\n",
  };
  await enrol(owner, three);
  const { id } = await hatch(owner, "maja");
  const told = await statement(owner, id);
  assert.equal(await approve(owner, id, sign("bob", told)), false);
  execFileSync("ssh-keygen", ["-q", "-k", "-f", join(dir, "krl"), join(dir, "bob.pub")]);
  const revoked = `krl:${readFileSync(join(dir, "krl")).toString("base64")}`;
  const change = await enrol(owner, { ...three, revoked });
  assert.equal(await approve(owner, change.id, sign("eve", await statement(owner, change.id))), true);
  await passed(all);
  assert.equal(await approve(owner, id, sign("eve", told)), false, "bob's signature counts no more");
  const next = await hatch(owner, "willi");
  assert.equal(
    await approve(owner, next.id, sign("bob", await statement(owner, next.id))),
    "statement.revoked",
  );
  assert.equal(await text(owner, "/comb/count"), "0\n");
});
