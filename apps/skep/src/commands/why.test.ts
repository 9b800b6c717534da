import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, homeTarget } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const skep = async (...argv: string[]) => {
  const { code, out, err } = await hive.skep(argv);
  assert.equal(code, 0, err);
  return out;
};
const echo = async (line: object, path: string): Promise<number> =>
  JSON.parse(await skep("echo", JSON.stringify(line), path, "--json")).id;

test("a record tells who, by which rules, and what was decided, in one line", async () => {
  const seq = await echo({ spawn: "heartbeat", ticks: 3 }, "/queen/ctl");
  const line = await skep("why", String(seq));
  assert.equal(line, `record ${seq}: spawn at /queen/ctl by owner, accepted, no policies in force\n`);
  const long = await skep("why", String(seq), "--long");
  assert.match(long, /ticket {4}owner as queen, not narrowed\n {2}ticket {4}root block: owner/);
  assert.match(long, /decision {2}accepted: queen:spawned/);
});

test("every record of a chain is proven by the key of the log", async () => {
  const seq = await echo({ spawn: "heartbeat", ticks: 4 }, "/queen/ctl");
  const told = JSON.parse(await skep("why", String(seq), "--verify", "--json"));
  assert.deepEqual(Object.keys(told.proofs), [String(seq)]);
  assert.equal(told.proven, 1);
  await using other = await startTestHive();
  const foreign = (await other.skep(["audit", "key"])).out.trim();
  assert.notEqual((await hive.skep(["why", String(seq), "--verify", "--key", foreign])).code, 0);
});

test("a file tells which acts last changed it, newest first", async () => {
  const { id: seq } = JSON.parse(
    await skep("echo", '{"spawn":"heartbeat","ticks":5}', "/queen/ctl", "--json"),
  );
  const worker = JSON.parse(await skep("why", String(seq), "--json")).links;
  assert.ok(worker.length > 2);
  const told = JSON.parse(await skep("why", "/queen/ctl", "--json"));
  assert.equal(told.changes[0].seq, seq);
  assert.equal(told.path, "/queen/ctl");
  assert.ok(told.changes.length > 1);
  assert.match(await skep("why", "/queen/ctl"), new RegExp(`last changed by record ${seq}: spawn`));
});

test("a refusal tells its code, and how often it came", async () => {
  await hive.skep(["echo", '{"kill":"worker-99"}', "/queen/ctl"]);
  const lines = (await skep("audit", "cat", "--refused")).trimEnd().split("\n");
  // Refusals are journalled once a second.
  for (let left = 400; left > 0 && lines.at(-1) === ""; left -= 1)
    lines.push(...(await skep("audit", "cat", "--refused")).trimEnd().split("\n"));
  const { seq, verdict } = JSON.parse(lines.at(-1) ?? "");
  assert.match(await skep("why", String(seq)), new RegExp(`refused \\(${verdict.code}\\)`));
});

test("what waited for approval names who asked, who approved, and whose rule it was", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const run = async (...argv: string[]) => {
    const { code, out, err } = await place.skep(argv);
    assert.ok(code === 0 || code === 6, err);
    return out;
  };
  const dir = join(place.dir, "rules");
  mkdirSync(dir);
  const ask =
    '@id("kill") @approvals("1") @by("ticket") @ttl("1h") forbid (principal, action == Action::"kill", resource);';
  writeFileSync(join(dir, "a.cedar"), `@id("default") permit (principal, action, resource);\n${ask}\n`);
  await run("policy", "apply", dir);
  await run("echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl");
  const minted = await run("ticket", "mint", "--subject", "bea", "--role", "queen", "--json");
  const { ticket } = JSON.parse(minted);
  await using client = await connect({
    place: homeTarget(place.home, place.env).place,
    aname: ticket,
    name: "bea",
  });
  const asked = await appendLine(
    client,
    "/queen/ctl",
    '{"kill":"worker-1"}',
    AbortSignal.timeout(5000),
  ).catch((thrown) => thrown);
  assert.equal(asked.kind, "waiting", String(asked));
  const [id = ""] = JSON.parse(await run("approvals", "--json")).map((one: { id: string }) => one.id);
  await run("approve", id, "--yes");
  let told = JSON.parse(await run("why", id, "--json"));
  for (let left = 100; left > 0 && !JSON.stringify(told).includes("then ran as"); left -= 1)
    told = JSON.parse(await run("why", id, "--json"));
  const parts = told.links.map(({ part, text }: { part: string; text: string }) => `${part}: ${text}`);
  assert.ok(parts.includes("approval: approved by owner by ticket"), parts.join("\n"));
  const ran = told.links.find(({ text }: { text: string }) => text.startsWith("accepted: ")).seq;
  assert.notEqual(String(ran), id);
  const why = JSON.parse(await run("why", String(ran), "--verify", "--json"));
  const texts: string[] = why.links.map(
    ({ part, text }: { part: string; text: string }) => `${part}: ${text}`,
  );
  assert.ok(
    texts.some((text) => text.startsWith("asked: asked by bea, v1")),
    texts.join("\n"),
  );
  assert.ok(
    texts.some((text) => /^policy: policies v1, rules? .*kill.*; in force by owner/.test(text)),
    texts.join("\n"),
  );
  assert.ok(why.proven >= 4);
});

test("a file that no record changed is told as what it is, and why no record tells of it", async () => {
  const cases: [string, RegExp][] = [
    ["/proc/boot", /^\/proc\/boot is a text \(".+"\); no record of the journal changed it: it is made anew/],
    ["/log/queen.log.follow", /is a stream .* not journalled line by line$/m],
    ["/queen/schedule/ctl", /is a control .*: nobody has written a command to it$/m],
    ["/proc", /^\/proc is a directory/],
  ];
  for (const [path, expected] of cases) assert.match(await skep("why", path), expected);
  const told = JSON.parse(await skep("why", "/proc/boot", "--json"));
  assert.deepEqual([told.path, told.kind, told.changes], ["/proc/boot", "text", []]);
});

test("a file below something that records tell of is told as part of it", async () => {
  await echo({ spawn: "heartbeat", ticks: 6 }, "/queen/ctl");
  const worker = /worker-\d+/.exec(await skep("ls", "/worker"))?.[0] ?? "";
  const line = await skep("why", `/worker/${worker}/telemetry`);
  assert.match(line, new RegExp(`telemetry \\(as part of /worker/${worker}\\) was last changed by record`));
});

test("what is not there cannot be told", async () => {
  assert.equal((await hive.skep(["why", "99999"])).code, 3);
  assert.equal((await hive.skep(["why", "/nothing/here"])).code, 3);
  assert.equal((await hive.skep(["why", "nonsense"])).code, 3);
});
