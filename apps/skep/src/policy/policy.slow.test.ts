import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Fault } from "@skep/fault";
import { connect, homeTarget } from "../client/connect.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const noKeygen = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (apt: openssh-client)"
  : false;

const base = '@id("default") permit (principal, action, resource);\n';
const asks = `${base}@id("kill") @approvals("1") @ttl("1h") forbid (principal, action == Action::"kill", resource);\n`;

function write(place: TestHive, name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(place.dir, name);
  mkdirSync(dir, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
  return dir;
}

function makeKey(place: TestHive, name: string): string {
  const file = join(place.dir, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return readFileSync(`${file}.pub`, "utf8").trim();
}

const spawnLine = '{"spawn":"heartbeat","ticks":3}';

test("a policy is checked, tried on the past, applied, shown and rolled back", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { skep } = place;
  const wrong = write(place, "wrong", {
    "a.cedar": `${base}forbid (principal, action == Action::"kil", resource);`,
  });
  const checked = await skep(["policy", "check", wrong]);
  assert.equal(checked.code, 2);
  assert.match(checked.out, /^a\.cedar:2:\d+: .*kil/);
  const cases = [
    { name: "kill asks", subject: "a", role: "queen", path: "/queen/ctl", act: "kill", expect: "ask" },
  ];
  const right = write(place, "right", { "a.cedar": asks, "a.test.json": JSON.stringify(cases) });
  assert.match((await skep(["policy", "test", right])).out, /1 cases passed/);
  for (const line of [spawnLine, '{"kill":"worker-1"}', spawnLine]) await skep(["echo", line, "/queen/ctl"]);
  const tried = await skep(["policy", "what-if", right]);
  assert.match(tried.out, /^owner kill at \/queen\/ctl: allow would be ask \(kill\) {2}1 times/);
  assert.match(tried.out, /1 of 3 commands would be decided otherwise/);
  assert.equal((await skep(["policy", "apply", right])).out, "Version 1 is in force\n");
  assert.match((await skep(["policy", "show"])).out, /rule id=kill .*mode=wait needs="1 signer"/);
  assert.match((await skep(["policy", "show", "--schema"])).out, /action .*"kill"/);
  const asked = await skep(["echo", '{"kill":"worker-2"}', "/queen/ctl"]);
  assert.equal(asked.code, 6);
  const large = write(place, "large", { "b.cedar": base + `// ${"x".repeat(100)}\n`.repeat(300) });
  assert.equal((await skep(["policy", "apply", large])).out, "Version 2 is in force\n");
  assert.equal((await skep(["policy", "rollback"])).out, "Version 3 is in force\n");
  assert.match((await skep(["policy", "show"])).out, /^version=3\n(.*\n)*.*id=kill/);
  assert.equal((await skep(["policy", "rollback", "77"])).code, 3);
});

test("an action is read, signed with an SSH key and run; a stranger's key and the requester's do not count", {
  skip: noKeygen,
}, async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { skep } = place;
  const [ann, bob] = [makeKey(place, "ann"), makeKey(place, "bob")];
  makeKey(place, "stranger");
  const signers = join(place.dir, "allowed_signers");
  writeFileSync(signers, `ann,owner ${ann}\nbob ${bob}\n`);
  await skep(["policy", "apply", write(place, "set", { "a.cedar": asks })]);
  assert.equal((await skep(["policy", "signers", signers])).out, "Enrolled: ann, bob\n");
  await skep(["echo", spawnLine, "/queen/ctl"]);
  const asked = await skep(["echo", '{"kill":"worker-1","$reason":"it is \\"loud\\" \\\\o/"}', "/queen/ctl"]);
  assert.equal(asked.code, 6, asked.err);
  const [, id = ""] = /action: "(\d+)"/.exec(asked.err) ?? [];
  assert.match(
    (await skep(["approvals"])).out,
    new RegExp(`^${id} {2}waiting {2}kill at /queen/ctl {2}by owner {2}0 of 1 signer`),
  );
  assert.match((await skep(["approvals", id])).out, /\nreason: it is "loud" \\\\o\/\n/);
  const statement = (await skep(["cat", "--raw", `/actions/${id}/statement`])).out;
  const approve = (key: string) => skep(["approve", id, "--key", join(place.dir, key), "--yes"]);
  assert.match((await approve("stranger")).err, /belongs to no signer/);
  assert.match((await approve("ann")).err, /of one's own/);
  const approved = await approve("bob");
  assert.equal(
    approved.out,
    `${statement}Approved ${id} as bob: it runs now\n`,
    "what is signed is what was shown",
  );
  await place.hive.kernel.settled();
  assert.match((await skep(["approvals", id])).out, /^state=ran/);
  assert.doesNotMatch((await skep(["ls", "/worker"])).out, /worker-1/);
  assert.equal((await approve("bob")).code, 8);
});

test("what cannot be undone waits a while after its approval, and can be rejected until then", {
  skip: noKeygen,
}, async (t) => {
  const place = await startTestHive(undefined, { SKEP_POLICY_GRACE: "600ms" });
  t.after(() => place[Symbol.asyncDispose]());
  const { skep } = place;
  const signers = join(place.dir, "allowed_signers");
  writeFileSync(signers, `ann,owner ${makeKey(place, "ann")}\n`);
  await skep(["policy", "signers", signers]);
  const approved = async (): Promise<string> => {
    const [, id = ""] = /action: "(\d+)"/.exec((await skep(["gc"])).err) ?? [];
    const { out } = await skep(["approve", id, "--key", join(place.dir, "ann"), "--yes"]);
    assert.match(out, new RegExp(`it runs in 0?\\.?600 ?ms; until then: skep reject ${id}`));
    return id;
  };
  const first = await approved();
  assert.match((await skep(["approvals", first])).out, /^state=approved[\s\S]*\nstarts_ms=\d+ until then/);
  assert.match((await skep(["reject", first, "oh no"])).out, /Rejected/);
  const second = await approved();
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    if (/^state=ran/.test((await skep(["approvals", second])).out)) break;
  }
  assert.match((await skep(["approvals", second])).out, /^state=ran/);
  assert.match((await skep(["approvals", first])).out, /^state=rejected/);
});

test("an irreversible act on data waits for its operator's own signature once somebody can sign", {
  skip: noKeygen,
}, async (t) => {
  const place = await startTestHive(undefined, { SKEP_POLICY_GRACE: "0s" });
  t.after(() => place[Symbol.asyncDispose]());
  const { skep } = place;
  assert.equal((await skep(["gc"])).code, 0);
  const signers = join(place.dir, "allowed_signers");
  writeFileSync(signers, `ann,owner ${makeKey(place, "ann")}\n`);
  await skep(["policy", "signers", signers]);
  const asked = await skep(["gc"]);
  assert.equal(asked.code, 6);
  const [, id = ""] = /action: "(\d+)"/.exec(asked.err) ?? [];
  assert.match((await skep(["approvals", id])).out, /\nundo: It cannot be undone\n/);
  assert.match((await skep(["approve", id, "--key", join(place.dir, "ann"), "--yes"])).out, /it runs now/);
  await place.hive.kernel.settled();
  assert.match((await skep(["approvals", id])).out, /^state=ran/);
});

test("a command that waits is EINPROGRESS to a client that only writes, and its answer stands in the session's answers", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  await place.skep(["policy", "apply", write(place, "set", { "a.cedar": asks })]);
  await place.skep(["echo", spawnLine, "/queen/ctl"]);
  await using client = await connect(homeTarget(place.home, place.env));
  const file = await client.open("/queen/ctl", "append");
  const line = Buffer.from('{"kill":"worker-1"}\n');
  await assert.rejects(
    () => file.write(line),
    ({ kind, row }: Fault) => kind === "waiting" && row.errno === 115,
  );
  await assert.rejects(() => file.write(line), { kind: "waiting" });
  const answers = (await client.readAll("/proc/9p/session/self/answers")).toString().trim().split("\n");
  const [first, second] = answers.map(
    (text) => JSON.parse(text) as { readonly id: number; readonly verdict: string },
  );
  assert.deepEqual([first?.verdict, second?.id], ["waiting", first?.id]);
});

test("a path is approved for one command, and an act is undone by its number", async (t) => {
  const place = await startTestHive(undefined, { SKEP_POLICY_RULES: "queen-ctl=/queen/ctl" });
  t.after(() => place[Symbol.asyncDispose]());
  const { skep } = place;
  assert.equal((await skep(["echo", spawnLine, "/queen/ctl"])).code, 4);
  const queued = await skep(["approve", "/queen/ctl", "--yes"]);
  assert.match(queued.out + queued.err, /^Queued approve-/);
  const done = await skep(["echo", spawnLine, "/queen/ctl"]);
  const [, id = ""] = /^ok (\d+)/.exec(done.out) ?? [];
  assert.equal((await skep(["undo", id, "--yes"])).code, 4, "undoing passes the same gate");
  await skep(["approve", "/queen/ctl", "--yes"]);
  assert.equal((await skep(["undo", id, "--yes"])).out, `Undone ${id}: {"kill":"worker-1"} at /queen/ctl\n`);
  await skep(["reject", "/queen/ctl"]);
  assert.match((await skep(["echo", spawnLine, "/queen/ctl"])).err, /denied in the queue/);
});
