import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, fullAuthority, type Json, type Kernel, type Session, treeActs } from "@skep/kernel";
import {
  recordingFiles,
  type SimulatedClock,
  simulatedClock,
  toyAuthority,
  toyHive,
  toyProvider,
} from "@skep/testing";
import { checkSet, type PolicyFiles } from "@skep/policy";
import { type Checker, policyProvider } from "./mod.ts";

interface Hive {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly files: ReturnType<typeof recordingFiles>;
  readonly owner: Session;
}

async function hive(files = recordingFiles(), clock = simulatedClock(), checker?: Checker): Promise<Hive> {
  let kernel: Kernel | undefined;
  const live = (): Kernel => {
    if (!kernel) throw new Error("not open yet");
    return kernel;
  };
  const policy = policyProvider({
    acts: () => treeActs(live().tree),
    record: (seq) => live().journal.record(seq),
    limits: { entries: 4 },
    ...(checker && { checker }),
  });
  kernel = await toyHive({ files, clock, providers: [toyProvider(), policy] });
  return { kernel, clock, files, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const base = '@id("default") permit (principal, action, resource);\n';
const presents = `${base}@id("comb") @mode("present") @by("ticket") forbid (principal, action, resource == Path::"/comb/ctl");`;
const waits = `${base}@id("comb") @approvals("1") @by("ticket") @ttl("1h") forbid (principal, action, resource == Path::"/comb/ctl");`;

const apply = (session: Session, text: string) =>
  session.append("/policy/ctl", { op: "apply", files: { "a.cedar": text } });
const hatch = (session: Session, bee: string, more: object = {}) =>
  session.append("/comb/ctl", { op: "hatch", bee, ...more } as Json);
const queue = (session: Session, line: object) => session.append("/actions/queue", line as Json);
const text = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();
const status = async (session: Session, id: unknown) =>
  JSON.parse(await text(session, `/actions/${id}/status.json`)) as Record<string, unknown>;
const code = ({ verdict, code: found }: Answer) => found ?? verdict;

async function passed({ clock, kernel }: Hive, ms = 10): Promise<void> {
  await kernel.settled();
  await clock.advanceAsync(ms);
  await kernel.settled();
}

const colleague = (kernel: Kernel, name = "cat") =>
  kernel.attach(toyAuthority(name, { "/": ["read", "write", "approve"] }), "test");

test("a hive without policies judges as before", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  assert.equal(code(await hatch(owner, "maja")), "ok");
  assert.equal((await kernel.journal.record(1)).policy, "none");
  assert.equal(await text(owner, "/policy/rules"), "version=0\n");
});

test("what must be presented is denied, approved, allowed, consumed, denied again", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  assert.deepEqual((await apply(owner, presents)).result, { version: 1 });
  const denied = await hatch(owner, "maja");
  assert.deepEqual([denied.kind, denied.code], ["denied", "policy.approval"]);
  assert.match(denied.next ?? "", /"target":"\/comb\/ctl"/);
  assert.equal(code(await queue(owner, { id: "a1", target: "/comb/ctl", decision: "approve" })), "ok");
  assert.equal(
    code(await queue(owner, { id: "a1", target: "/comb/ctl", decision: "approve" })),
    "policy.twice",
  );
  assert.equal(
    await text(owner, "/actions/a1/status"),
    "state=queued id=a1 target=/comb/ctl decision=approve\n",
  );
  assert.equal(
    await text(owner, "/policy/preflight/diff"),
    "diff rules=1 actions=1 unmatched=0\nrule id=comb target=/comb/ctl queued=1 consumed=0\n",
  );
  const allowed = await hatch(owner, "maja");
  assert.equal(allowed.verdict, "ok");
  const record = await kernel.journal.record(allowed.id ?? 0);
  assert.equal(record.policy, "v1 comb");
  assert.deepEqual(record.events.at(-1), { t: "policy:consumed@1", d: { ids: ["a1"], rule: "comb" } });
  assert.match(await text(owner, "/actions/a1/status"), /^state=consumed /);
  assert.equal(code(await hatch(owner, "willi")), "policy.approval");
  assert.equal(
    await text(owner, "/policy/preflight/req"),
    "req total=1 queued=0 consumed=1\nreq id=a1 target=/comb/ctl decision=allow state=consumed\n",
  );
  assert.equal(
    code(await queue(owner, { id: "a1", target: "/comb/ctl", decision: "approve" })),
    "policy.twice",
  );
});

test("a refused command consumes no approval, and a denial in the queue outranks what lay there before", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  await apply(owner, presents);
  await queue(owner, { id: "a1", target: "/comb/ctl", decision: "approve" });
  assert.equal(code(await owner.append("/comb/ctl", { op: "retire", bee: "nobody" })), "toy.unknown");
  assert.match(await text(owner, "/actions/a1/status"), /^state=queued /);
  await queue(owner, { id: "d1", target: "/comb/ctl", decision: "deny" });
  assert.equal(code(await hatch(owner, "maja")), "policy.refusedBy");
  await queue(owner, { id: "a2", target: "/comb/ctl", decision: "approve" });
  assert.equal(code(await hatch(owner, "maja")), "ok");
  assert.match(await text(owner, "/actions/a1/status"), /^state=queued /);
  assert.match(await text(owner, "/actions/a2/status"), /^state=consumed /);
});

test("the queue is bounded, its ids are no numbers, and its entries expire", async (t) => {
  const all = await hive();
  const { kernel, owner } = all;
  t.after(() => kernel.close());
  await apply(owner, presents);
  for (const id of ["a", "b", "c", "d"])
    assert.equal(code(await queue(owner, { id, target: "/comb/ctl", decision: "approve" })), "ok");
  assert.equal(code(await queue(owner, { id: "e", target: "/x", decision: "approve" })), "policy.queueFull");
  assert.equal(code(await queue(owner, { id: "17", target: "/x", decision: "approve" })), "policy.id");
  await passed(all, 25 * 3600_000);
  assert.match(await text(owner, "/actions/a/status"), /^state=expired /);
  assert.equal(code(await hatch(owner, "maja")), "policy.approval");
});

test("an action waits, runs once by itself when somebody else approves it, and says as what record", async (t) => {
  const all = await hive();
  const { kernel, owner } = all;
  t.after(() => kernel.close());
  await apply(owner, waits);
  const asked = await hatch(owner, "maja", { $reason: "summer" });
  assert.deepEqual([asked.verdict, asked.kind, asked.code], ["waiting", "waiting", "gate.waits"]);
  assert.match(asked.next ?? "", new RegExp(`skep approvals ${asked.id}`));
  assert.equal((await hatch(owner, "maja")).id, asked.id, "the same once more is the same action");
  assert.equal(await text(owner, "/comb/count"), "0\n");
  assert.match(
    await text(owner, `/actions/${asked.id}/statement`),
    /^act: comb\.hatch\ntarget: \/comb\/ctl\n(.*\n)*reason: summer\n/m,
  );
  assert.equal(code(await queue(owner, { action: String(asked.id), decision: "approve" })), "policy.own");
  const cat = colleague(kernel);
  const approved = await queue(cat, { action: String(asked.id), decision: "approve" });
  assert.deepEqual(approved.result, { action: String(asked.id), by: "cat", ready: true });
  await passed(all);
  assert.equal(await text(owner, "/comb/count"), "1\n");
  const told = await status(owner, asked.id);
  assert.equal(told.state, "ran");
  const record = await kernel.journal.record(told.record as number);
  assert.deepEqual([record.subject, record.path, record.policy], ["owner", "/comb/ctl", "v1 comb"]);
  assert.equal(code(await queue(cat, { action: String(asked.id), decision: "approve" })), "policy.over");
  await passed(all, 5000);
  assert.equal(await text(owner, "/comb/count"), "1\n");
});

test("what was approved and not run is run once after a restart", async () => {
  const first = await hive();
  await apply(first.owner, waits);
  const { id } = await hatch(first.owner, "maja");
  const cat = colleague(first.kernel);
  await cat.append("/actions/queue", { action: String(id), decision: "approve" });
  const image = first.files.image();
  await first.kernel.close();
  const second = await hive(recordingFiles(image), first.clock);
  await passed(second, 2000);
  assert.equal(await text(second.owner, "/comb/count"), "1\n");
  assert.equal((await status(second.owner, id)).state, "ran");
  await second.kernel.close();
});

test("an action is judged again whole when it runs: each way of having changed ends it stale", async (t) => {
  const stale = async (change: (all: Hive, id: string) => Promise<unknown>, more: object = {}) => {
    const all = await hive();
    t.after(() => all.kernel.close());
    await apply(all.owner, waits);
    const asker = all.kernel.attach(
      { ...fullAuthority("dan"), blocks: [{ id: "block-dan" }], ...more },
      "test",
    );
    const { id } = await hatch(asker, "maja");
    await change(all, String(id));
    await queue(colleague(all.kernel), { action: String(id), decision: "approve" });
    await passed(all, 1500);
    const { state, why } = await status(all.owner, id);
    return [state, String(why).split(":")[0], await text(all.owner, "/comb/count")];
  };
  const forbids = `${base}@id("never") forbid (principal, action, resource in Path::"/comb");`;
  const twice = waits.replace('"1"', '"2"');
  assert.deepEqual(await stale(({ owner }) => apply(owner, forbids)), ["stale", "policy.denied", "0\n"]);
  assert.deepEqual(await stale(({ owner }) => apply(owner, twice)), ["stale", "policy.needs", "0\n"]);
  assert.deepEqual(
    await stale(async ({ kernel }) => {
      kernel.system("kernel", "/", { op: "revoke" }, () => ({
        events: [{ type: "revoked@1", data: { block: "block-dan" } }],
      }));
    }),
    ["stale", "approved.revoked", "0\n"],
  );
  assert.deepEqual(
    await stale((all) => passed(all, 61_000), { expiresAt: simulatedClock().now() + 60_000 }),
    ["stale", "session.expired", "0\n"],
  );
  assert.deepEqual(await stale(async () => undefined), ["ran", "null", "1\n"]);
});

test("what nobody approves in time expires; what is rejected tells why", async (t) => {
  const all = await hive();
  const { kernel, owner } = all;
  t.after(() => kernel.close());
  await apply(owner, waits);
  const { id } = await hatch(owner, "maja");
  await queue(owner, { action: String(id), comment: "who needs this?" });
  assert.equal(
    code(await queue(owner, { action: String(id), decision: "reject", reason: "not tonight" })),
    "ok",
  );
  assert.deepEqual(
    [(await status(owner, id)).state, (await status(owner, id)).why],
    ["rejected", "by owner: not tonight"],
  );
  const again = await hatch(owner, "maja");
  assert.notEqual(again.id, id);
  await passed(all, 3600_000 + 1000);
  assert.equal((await status(owner, again.id)).state, "expired");
});

test("what could not run anyway is refused and not stored", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  await apply(owner, waits);
  assert.equal(code(await owner.append("/comb/ctl", { op: "retire", bee: "nobody" })), "toy.unknown");
});

test("a keyed action gives the same answer while it waits and after it ran; another command is a conflict", async (t) => {
  const all = await hive();
  const { kernel, owner } = all;
  t.after(() => kernel.close());
  await apply(owner, waits);
  const asked = await hatch(owner, "maja", { $key: "k" });
  assert.equal((await hatch(owner, "maja", { $key: "k" })).id, asked.id);
  assert.equal(code(await hatch(owner, "willi", { $key: "k" })), "policy.keyed");
  await queue(colleague(kernel), { action: String(asked.id), decision: "approve" });
  await passed(all);
  const { record } = await status(owner, asked.id);
  const again = await hatch(owner, "maja", { $key: "k" });
  assert.deepEqual([again.id, again.verdict], [record, "ok"]);
});

test("policies are refused with their place, and a set that locks everybody out is", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  const wrong = await apply(owner, `${base}\nforbd (principal, action, resource);`);
  assert.equal(wrong.code, "policy.invalid");
  assert.match(wrong.message ?? "", /a\.cedar:3:1: invalid policy effect/);
  assert.equal(code(await apply(owner, "")), "policy.locked");
  assert.equal(
    code(await apply(owner, `${base} @approvals("1") forbid (principal, action, resource);`)),
    "policy.locked",
  );
  const cases = JSON.stringify([
    { name: "x", subject: "a", role: "queen", path: "/comb/ctl", act: "write", expect: "deny" },
  ]);
  const failing = await owner.append("/policy/ctl", {
    op: "apply",
    files: { "a.cedar": base, "a.test.json": cases },
  });
  assert.match(failing.message ?? "", /case \\"x\\": expected deny, is allow/);
  assert.equal(await text(owner, "/policy/versions"), "");
});

test("versions count up, roll back and stay over a restart; large sets are staged", async () => {
  const first = await hive();
  const { owner, kernel } = first;
  const half = presents.length >> 1;
  const stage = (at: number, part: string) =>
    owner.append("/policy/ctl", { op: "stage", file: "a.cedar", at, text: part });
  await stage(0, presents.slice(0, half));
  assert.equal(code(await stage(half + 1, "x")), "policy.offset");
  await stage(half, presents.slice(half));
  const applied = await owner.append("/policy/ctl", { op: "apply", staged: ["a.cedar"] });
  assert.deepEqual(applied.result, { version: 1 });
  assert.equal(
    code(await owner.append("/policy/ctl", { op: "apply", staged: ["a.cedar"] })),
    "policy.staged",
  );
  await apply(owner, base);
  assert.equal(code(await hatch(owner, "maja")), "ok");
  assert.deepEqual((await owner.append("/policy/ctl", { op: "rollback" })).result, { version: 3, from: 1 });
  assert.equal(code(await owner.append("/policy/ctl", { op: "rollback", version: 9 })), "policy.version");
  const undo = JSON.parse(await text(owner, `/actions/${applied.id}/undo`)) as { command: unknown };
  assert.deepEqual(undo.command, { op: "rollback", version: 0 });
  await kernel.close();
  const second = await hive(recordingFiles(first.files.image()), first.clock);
  assert.equal(code(await hatch(second.owner, "willi")), "policy.approval");
  assert.match(
    await text(second.owner, "/policy/versions"),
    /^version=1 .*\nversion=2 .*\nversion=3 .* from=1\n$/,
  );
  await second.kernel.close();
});

test("preflight views as CBOR say the same", async (t) => {
  const { kernel, owner } = await hive();
  t.after(() => kernel.close());
  await apply(owner, presents);
  await queue(owner, { id: "a1", target: "/comb/ctl", decision: "approve" });
  const hex = Buffer.from(await owner.read("/policy/preflight/req.cbor")).toString("hex");
  // {"total":1,"queued":1,"consumed":0,"actions":[{"id":"a1","target":"/comb/ctl","decision":"allow","state":"queued"}]}
  const expected =
    "a465746f74616c01667175657565640168636f6e73756d65640067616374696f6e7381a46269646261316674617267" +
    "6574692f636f6d622f63746c686465636973696f6e65616c6c6f77657374617465667175657565" +
    "64";
  assert.equal(hex, expected);
});

test("version 0 is no policies: one can roll back to it, judged by the rules in force", async () => {
  const first = await hive();
  const { owner, kernel } = first;
  const back = (version?: number) =>
    owner.append("/policy/ctl", { op: "rollback", ...(version === undefined ? {} : { version }) });
  assert.equal(code(await back()), "policy.none");
  assert.equal(code(await back(0)), "policy.none");
  await apply(owner, presents);
  assert.equal(code(await hatch(owner, "maja")), "policy.approval");
  assert.deepEqual((await back()).result, { version: 2, from: 0 });
  assert.equal(code(await hatch(owner, "maja")), "ok");
  assert.equal(await text(owner, "/policy/rules"), "version=2\n");
  await apply(
    owner,
    `${base}@id("two") @approvals("1") @by("ticket") forbid (principal, action == Action::"rollback", resource);`,
  );
  assert.equal(code(await back(0)), "gate.waits");
  assert.deepEqual((await back(9)).code, "policy.version");
  await kernel.close();
  const second = await hive(recordingFiles(first.files.image()), first.clock);
  assert.match(await text(second.owner, "/policy/versions"), /\nversion=2 .* from=0\nversion=3 /);
  await second.kernel.close();
});

test("a set is checked apart from the loop before its line is judged, and what was found there decides", async (t) => {
  const asked: PolicyFiles[] = [];
  let go = Promise.withResolvers<void>();
  let wrong = false;
  const checker: Checker = {
    check: async (files) => {
      asked.push(files);
      await go.promise;
      const checked = checkSet(files, {
        names: () => ["apply"],
        describe: () => ({ class: "reversible", data: false }),
      });
      const problem = {
        file: "a.cedar",
        line: 7,
        column: 1,
        message: "so the thread says",
        cure: "believe it",
      };
      return wrong ? { ...checked, problems: [problem] } : checked;
    },
    laterTurn: async () => undefined,
  };
  const { kernel, owner } = await hive(recordingFiles(), simulatedClock(), checker);
  t.after(() => kernel.close());
  const applying = apply(owner, base);
  assert.equal(code(await hatch(owner, "maja")), "ok", "the hive answers meanwhile");
  assert.equal(asked.length, 1);
  assert.equal(await text(owner, "/policy/rules"), "version=0\n");
  go.resolve();
  assert.deepEqual((await applying).result, { version: 1 });
  wrong = true;
  const refused = await apply(owner, `${base}// another`);
  assert.deepEqual([refused.code, refused.next], ["policy.invalid", "believe it"]);
  assert.match(refused.message ?? "", /a\.cedar:7:1: so the thread says/);
  const before = asked.length;
  const narrow = kernel.attach(toyAuthority("narrow", { "/comb": ["read", "write"] }), "test");
  await apply(narrow, presents).catch(() => undefined);
  assert.equal(asked.length, before, "who may not change policies makes nobody check them");
  wrong = false;
  go = Promise.withResolvers<void>();
  const handle = await owner.open(await owner.find("/policy/ctl"), { read: true, write: true });
  const line = `${JSON.stringify({ op: "apply", files: { "a.cedar": `${base}// third` } })}\n`;
  const written = handle.write(0, Buffer.from(line));
  go.resolve();
  assert.equal(await written, line.length);
  assert.match(Buffer.from(await handle.read(0, 4096)).toString(), /"version":2/);
  await handle.close();
});

test("keys that are remembered are shown with whose they are", async (t) => {
  const place = await hive();
  t.after(() => place.kernel.close());
  const { owner } = place;
  await owner.append("/comb/ctl", { op: "hatch", bee: "maja", $key: "k 1" });
  const text = Buffer.from(await owner.read("/policy/keys")).toString();
  assert.match(text, /^record=\d+ at_ms=\d+ by=owner key=k 1\n$/);
  const json = JSON.parse(Buffer.from(await owner.read("/policy/keys.json")).toString());
  assert.deepEqual([json.held, json.shown[0].key], [1, "k 1"]);
});
