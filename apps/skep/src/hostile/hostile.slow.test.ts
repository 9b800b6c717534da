// One hostile string, put wherever outsiders' strings come in, and looked for wherever the hive shows something.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mintMac } from "@skep/macticket";
import type { Session } from "@skep/kernel";
import { ConsoleClient } from "@skep/testing";
import { createRoot, mint } from "@skep/ticket";
import { allSecrets } from "../config/mod.ts";
import { workerRights } from "../access/grants.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

/** C0, ESC sequences, C1, bidi, zero-width, line separators, DEL, and lines that would be someone else's. */
const hostile =
  "x\u001b]0;t\u0007\u001b[2J\u009b1m\u0085\u202e\u2066\u200b\ufeff\u2028\u2029\r\nstate=done\nverified=yes\u007f\u00ad";
/** What no view may hold, but for the newline that ends its lines. */
const unseen = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** What a job writes and a worker sends is bytes: whoever reads them over 9P gets them as they are. */
const isRaw = (path: string): boolean => /\/(stdin|stdout|stderr|telemetry)(\.follow)?$|\.cbor$/.test(path);

const isControl = (path: string): boolean => /^(?!\/trace\/).*\/(ctl|results)$/.test(path);

let hive: TestHive;
let owner: Session;
let worker: Session;
let job: string;
let seen: readonly string[];

async function startWorker(id: string): Promise<Session> {
  const token = await mint(createRoot(hive.hive.keys.ticket.key), {
    subject: id,
    role: "worker",
    hive: hive.hive.keys.hive,
    rights: workerRights(id),
    issuedAt: hive.hive.kernel.time.now(),
  } as never);
  return hive.hive.door.attach({ kind: "ticket", token }, "session");
}

function consoleClient(role: string, ticket?: string): Promise<ConsoleClient> {
  const token = allSecrets(hive.hive.config, hive.home)["console.token"].secret.reveal();
  if (!hive.at.console) throw new Error("the hive has no console");
  return ConsoleClient.attached(hive.at.console, token, role, ticket);
}

/** A subject that no ticket of ours may have: console tickets take any text. */
async function attachHostileSubject(): Promise<ConsoleClient> {
  const secret = allSecrets(hive.hive.config, hive.home)["console.secrets.queen"].secret.reveal();
  const mount = { service: "", at: "" };
  const issuedAt = BigInt(hive.hive.kernel.time.now());
  return consoleClient(
    "queen",
    mintMac(secret, { role: "queen", subject: "s\u001b[2J\u202e\n\u009bq", issuedAt, mount }),
  );
}

async function told(path: string, line: object): Promise<string> {
  const session = path.startsWith("/worker/") ? worker : owner;
  const { verdict, message, result } = await session.append(path, line as never);
  assert.equal(verdict, "ok", message);
  return String((result as { job?: string } | undefined)?.job ?? "");
}

/** An action that waits, with hostile words wherever somebody can put some. */
async function askHostileAction(): Promise<void> {
  const words = hostile.replace(/["\\\\\r\n]/g, "").slice(0, 200);
  const rule = `@id("kill") @approvals("1") @by("ticket") @reason("${words}")
forbid (principal, action == Action::"kill", resource);`;
  const files = { "a.cedar": `permit (principal, action, resource);\n${rule}` };
  await told("/policy/ctl", { op: "apply", files });
  const { result } = await owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 1 });
  const { worker: kill } = result as { readonly worker: string };
  const { id, verdict } = await owner.append("/queen/ctl", { kill, $reason: hostile.slice(0, 500) });
  assert.equal(verdict, "waiting");
  await told("/actions/queue", { action: String(id), comment: hostile.slice(0, 500) });
  await told("/actions/queue", { id: "odd", target: `/${words}`, decision: "approve" });
}

/** A JSON twin is not listed, and can be walked to where there is one. */
async function withTwin(path: string): Promise<string[]> {
  const twin = `${path}.json`;
  const there = await owner.find(twin).then(
    () => true,
    () => false,
  );
  return there ? [path, twin] : [path];
}

/** Every file that the owner can find by listing, and its twin. */
async function filesBelow(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, kind } of await owner.list(await owner.find(path))) {
    const at = path === "/" ? `/${name}` : `${path}/${name}`;
    if (kind === "file") found.push(...(await withTwin(at)));
    else if (at !== "/shard") found.push(...(await filesBelow(at)));
  }
  return found;
}

const text = async (path: string): Promise<string> => Buffer.from(await owner.read(path)).toString("utf8");

function assertCalm(shown: string, where: string): void {
  const at = unseen.exec(shown);
  if (!at) return;
  const code = at[0].codePointAt(0)?.toString(16);
  const near = JSON.stringify(shown.slice(Math.max(0, at.index - 80), at.index + 20));
  assert.fail(`${where} shows U+${code} as it is, in ${near}`);
}

before(async () => {
  hive = await startTestHive(undefined, { SKEP_CONSOLE: "0" });
  owner = hive.hive.door.owner("test");
  worker = await startWorker("w-1");
  await told("/worker/w-1/ctl", {
    op: "hello",
    incarnation: "a1b2c3d4",
    kinds: ["task"],
    layers: [hostile.slice(0, 64)],
    version: hostile.slice(0, 64),
  });
  job = await told("/jobs/ctl", {
    op: "submit",
    run: { kind: "task", name: "add", args: [hostile], env: { EVIL: hostile } },
    stdin: { inline: Buffer.from(hostile).toString("base64") },
  });
  await worker.append(`/jobs/${job}/stdout`, `${hostile}\n`);
  await told("/worker/w-1/telemetry", [hostile] as never);
  const output = { bytes: Buffer.byteLength(hostile), inline: Buffer.from(hostile).toString("base64") };
  await told("/worker/w-1/results", {
    op: "done",
    job,
    reason: "\u001b[2J\nstate=done\n\u202e",
    exit: 3,
    message: hostile,
    stdout: output,
    stderr: output,
  });
  // A second job that stays, so that there is a line in the inbox that nobody took.
  await told("/jobs/ctl", { op: "submit", run: { kind: "task", name: "add", args: [hostile], env: {} } });
  for (const line of [
    { kill: hostile.slice(0, 60) },
    { [hostile]: 1 },
    { $key: hostile, kill: "worker-9" },
    { spawn: hostile },
  ])
    await owner.append("/queen/ctl", line);
  await owner.append("/queen/ctl", hostile);
  await owner.append("/log/queen.log", hostile);
  hive.hive.live.lines.push(`9p: peer said ${hostile}`);
  await assert.rejects(owner.find(`/jobs/${hostile.slice(0, 40)}`));
  await askHostileAction();
  const stranger = await attachHostileSubject();
  await stranger.ask('SPAWN {"spawn":"heartbeat","ticks":1}');
  await stranger.ask(`ECHO /log/queen.log ${hostile.replace(/[\r\n]/g, "")}`);
  seen = await filesBelow("/");
});
after(() => hive[Symbol.asyncDispose]());

test("no text, log, trace, journal or twin of the tree holds what steers a terminal", async () => {
  const looked: string[] = [];
  for (const path of seen) {
    if (isRaw(path) || path.endsWith(".follow") || isControl(path)) continue;
    assertCalm(await text(path), path);
    looked.push(path);
  }
  for (const path of ["/log/queen.log", "/kmesg", "/trace/ctl", "/trace/events", "/audit/journal"])
    assert.ok(looked.includes(path), path);
  assertCalm(Buffer.from(await worker.read("/worker/w-1/inbox")).toString(), "inbox");
  for (const path of ["info", "info.json"]) assert.ok(looked.includes(`/worker/w-1/${path}`), path);
  for (const path of ["spec", "status", "status.json", "why"])
    assert.ok(looked.includes(`/jobs/${job}/${path}`), path);
});

test("the string is there, escaped, wherever it was put", async () => {
  for (const path of [
    `/jobs/${job}/status`,
    `/jobs/${job}/why`,
    "/worker/w-1/info",
    "/log/queen.log",
    "/kmesg",
  ])
    assert.match(await text(path), /\\x1b/, path);
  for (const path of [
    `/jobs/${job}/spec`,
    "/trace/ctl",
    "/trace/events",
    "/audit/journal",
    "/audit/decisions",
  ])
    assert.match(await text(path), /\\u001b|\\u202e/, path);
});

test("JSON keeps its meaning: what was escaped parses back to what was said", async () => {
  const spec = JSON.parse(await text(`/jobs/${job}/spec`));
  assert.deepEqual([spec.args, spec.env], [[hostile], { EVIL: hostile }]);
  assert.equal(JSON.parse(await text(`/jobs/${job}/status.json`)).message, hostile);
  for (const path of ["/trace/ctl", "/trace/events", "/audit/journal", "/audit/decisions"])
    for (const line of (await text(path)).trimEnd().split("\n")) JSON.parse(line);
});

test("no newline in a value makes a line of its own", async () => {
  const names = (lines: string): string[] =>
    lines
      .trimEnd()
      .split("\n")
      .map((line) => line.split("=", 1)[0] ?? "");
  const status = names(await text(`/jobs/${job}/status`));
  assert.deepEqual(status, Object.keys(JSON.parse(await text(`/jobs/${job}/status.json`))));
  const info = names(await text("/worker/w-1/info"));
  assert.equal(new Set(info).size, info.length);
  assert.equal(info.filter((name) => name === "state" || name === "verified").length, 1);
  // What a value could have forged begins a line with it; the chain indents all but its first line.
  const [first, ...chain] = (await text(`/jobs/${job}/why`)).trimEnd().split("\n");
  assert.match(first ?? "", /^[a-z]+: /);
  for (const line of chain) assert.doesNotMatch(line, /^(?:state|verified)=/);
});

test("over 9P the output of a job is its bytes", async () => {
  assert.equal(await text(`/jobs/${job}/stdout`), hostile);
  assert.equal(await text(`/jobs/${job}/stderr`), hostile);
  assert.equal(await text(`/jobs/${job}/stdin`), hostile);
});

test("the console shows no file of the tree as it is, raw or not, and ends each answer once", async () => {
  const client = await consoleClient("queen");
  for (const path of seen) {
    if (path.endsWith(".follow") || path.length > 96 || path.split("/").length > 9) continue;
    const lines = await client.ask(`CAT ${path}`);
    for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u, `CAT ${path}`);
    assert.equal(lines.filter((line) => line === "END").length, lines[0]?.startsWith("OK") ? 1 : 0, path);
  }
  for (const line of [`CAT /${hostile.replace(/\s/g, "")}`, `LS /jobs/${"\u202e\u009b"}`, "\u001b[2J x"])
    for (const answer of await client.ask(line)) assertCalm(answer, `the answer to ${JSON.stringify(line)}`);
  await client.close();
});

const commands = (): readonly (readonly string[])[] => [
  ["ls", "/jobs"],
  ["ls", "-l", `/jobs/${job}`],
  ["cat", `/jobs/${job}/stdout`, `/jobs/${job}/status`, `/jobs/${job}/why`, `/jobs/${job}/spec`],
  ["cat", "/log/queen.log", "/kmesg", "/trace/ctl", "/audit/journal", "/worker/w-1/telemetry"],
  ["tail", "-n", "50", "/log/queen.log"],
  ["stat", `/jobs/${job}/stdout`],
  ["jobs"],
  ["jobs", job],
  ["at", "9999999", `/jobs/${job}/status`],
  ["audit", "cat"],
  ["cat", `/jobs/${hostile}`],
  ["stat", `/${hostile}`],
  ["echo", JSON.stringify({ kill: hostile.slice(0, 60) }), "/queen/ctl"],
  ["echo", hostile, "/queen/ctl"],
  ["echo", "x", `/worker/${hostile}`],
  [hostile],
  ["cat", `--${hostile}`],
  ["doctor"],
];

test("the command line shows none of it on a terminal, neither on stdout nor on stderr", async () => {
  for (const argv of commands()) {
    const { out, err } = await hive.skep(argv, { tty: true });
    assertCalm(out.replaceAll("\t", " "), `stdout of skep ${JSON.stringify(argv)}`);
    assertCalm(err, `stderr of skep ${JSON.stringify(argv)}`);
  }
});

test("in a pipe only what is asked for is raw: files are, messages and JSON are not", async () => {
  for (const argv of commands()) {
    const { err } = await hive.skep(argv);
    assertCalm(err, `stderr of skep ${JSON.stringify(argv)}`);
    // The bytes of a record are what its leaf hash is over.
    if (argv[0] === "audit") continue;
    const json = await hive.skep([...argv, "--json"]);
    assertCalm(json.out, `stdout of skep ${JSON.stringify(argv)} --json`);
  }
  const path = `/jobs/${job}/stdout`;
  assert.equal((await hive.skep(["cat", path])).out, hostile);
  assert.equal((await hive.skep(["cat", "--raw", path], { tty: true })).out, hostile);
});

test("what is over-long is refused, and the refusal is short and calm", async () => {
  const long = hostile.repeat(100);
  for (const [session, path, line] of [
    [owner, "/jobs/ctl", { op: "submit", run: { kind: "task", name: "add", args: [long] } }],
    [owner, "/jobs/ctl", { op: "submit", run: { kind: "task", name: long } }],
    [owner, "/queen/ctl", { kill: long }],
    [owner, "/queen/ctl", { [long]: long }],
    [worker, "/worker/w-1/results", { op: "done", job, message: long }],
  ] as const) {
    const answer = await session.append(path, line as never);
    assert.deepEqual([answer.verdict, answer.kind], ["refused", "invalid"]);
    assert.ok((answer.message ?? "").length < 400, `${answer.message?.length}`);
  }
  for (const path of ["/trace/ctl", "/audit/journal", "/proc/9p/session/self/answers"])
    assertCalm(await text(path), path);
});

test("half a character is no text: it is refused, or escaped like the rest", async () => {
  const half = '{"kill":"\\ud800"}';
  assert.equal((await owner.append("/queen/ctl", half)).verdict, "refused");
  assertCalm(await text("/proc/9p/session/self/answers"), "answers");
});
