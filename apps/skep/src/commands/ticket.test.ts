import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

async function mint(...words: string[]): Promise<string> {
  const { code, out, err } = await hive.skep(["ticket", "mint", ...words]);
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

function keep(name: string, ticket: string): string {
  const path = join(hive.dir, name);
  writeFileSync(path, ticket, { mode: 0o600 });
  return path;
}

/** Attaches over TCP with a ticket and lists the root. */
async function rootWith(ticket: string) {
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  const path = keep("used.ticket", ticket);
  await hive.skep(["context", "add", "used", "--9p", `${host}:${port}`, "--ticket", path, "--replace"]);
  return hive.skep(["--context", "used", "ls", "/"]);
}

test("mint prints the ticket alone, and it opens what its role needs", async () => {
  const ticket = await mint("--role", "observer");
  assert.match(ticket, /^[\w-]+=*\n$/);
  const file = keep("observer.ticket", ticket);
  const shown = JSON.parse((await hive.skep(["ticket", "show", file, "--json"])).out);
  assert.deepEqual(shown.blocks[0].claims.rights, [{ path: "/", verb: "read" }]);
  assert.equal((await rootWith(ticket)).code, 0);
});

test("mint without a home, a subject that decides rights, or a right that can be read is refused", async () => {
  await using empty = makeTestPlace();
  const nowhere = await empty.skep(["ticket", "mint", "--role", "queen"]);
  assert.deepEqual([nowhere.code, nowhere.out], [3, ""]);
  assert.equal((await hive.skep(["ticket", "mint", "--role", "worker"])).code, 2);
  assert.equal((await hive.skep(["ticket", "mint", "--role", "queen", "--right", "jobs"])).code, 2);
  assert.equal((await hive.skep(["ticket", "mint", "--role", "queen", "--expires", "soon"])).code, 2);
});

test("narrowing takes away, never gives, and a sealed ticket cannot be narrowed", async () => {
  const file = keep("owner.ticket", await mint("--role", "queen", "--subject", "ann"));
  const narrow = await hive.skep(["ticket", "narrow", file, "--subject", "ann/ci", "--right", "/proc:read"]);
  assert.equal(narrow.code, 0);
  assert.equal((await rootWith(narrow.out)).out, "proc/\n");
  const below = keep("below.ticket", narrow.out);
  const wider = await hive.skep(["ticket", "narrow", below, "--right", "/jobs:rw"]);
  assert.match(wider.err, /widen|more than/i);
  const sealed = keep("sealed.ticket", (await hive.skep(["ticket", "seal", below])).out);
  assert.notEqual((await hive.skep(["ticket", "narrow", sealed, "--right", "/proc:read"])).code, 0);
});

test("revoking ends a ticket and those narrowed from it, not the one above", async () => {
  const above = await mint("--role", "queen", "--subject", "bea");
  const aboveFile = keep("bea.ticket", above);
  const child = (await hive.skep(["ticket", "narrow", aboveFile, "--right", "/proc:read"])).out;
  const revoked = await hive.skep(["ticket", "revoke", keep("child.ticket", child)]);
  assert.equal(revoked.code, 0);
  assert.equal((await rootWith(child)).code, 4);
  assert.equal((await rootWith(above)).code, 0);
});

test("a right that no file asks for is minted and warned of", async () => {
  const { code, err } = await hive.skep(["ticket", "mint", "--role", "queen", "--right", "/jobs:fly"]);
  assert.equal(code, 0);
  assert.match(err, /no file of the hive asks for the right fly/);
});

test("show marks a ticket that has expired", async () => {
  const file = keep("short.ticket", await mint("--role", "observer", "--expires", "1ms"));
  assert.match((await hive.skep(["ticket", "show", file])).out, /^expires +\S+: it has expired$/m);
  const later = keep("long.ticket", await mint("--role", "observer", "--expires", "1h"));
  assert.doesNotMatch((await hive.skep(["ticket", "show", later])).out, /expired/);
});

test("a ticket comes from stdin too", async () => {
  const ticket = await mint("--role", "observer", "--ops", "3");
  const { out, code } = await hive.skep(["ticket", "show", "-"], { input: [ticket] });
  assert.equal(code, 0);
  assert.match(out, /budget +ops 3/);
  assert.equal((await hive.skep(["ticket", "show", "-"], { input: ["nonsense"] })).code, 4);
});

test("a ticket for running jobs can submit one, and one without the worker's key is told so before", async () => {
  const file = join(hive.dir, "job.wasm");
  writeFileSync(file, "\0asm, and no module");
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  const use = async (ticket: string) => {
    const path = keep("runs.ticket", ticket);
    await hive.skep(["context", "add", "runs", "--9p", `${host}:${port}`, "--ticket", path, "--replace"]);
  };
  const owner = keep("above.ticket", await mint("--role", "queen"));
  await use((await hive.skep(["ticket", "narrow", owner, "--subject", "owner/ci", "--for", "run"])).out);
  const ran = await hive.skep(["--context", "runs", "run", "--detach", file]);
  assert.deepEqual([ran.code, ran.err], [0, ""]);
  assert.equal((await hive.skep(["--context", "runs", "cancel", ran.out.trim()])).code, 0);
  const rights = ["--right", "/jobs:submit", "--right", "/jobs:rw", "--right", "/cas:rw"];
  await use((await hive.skep(["ticket", "narrow", owner, "--subject", "owner/ci", ...rights])).out);
  const before = (await hive.skep(["jobs", "--json"])).out;
  const blind = await hive.skep(["--context", "runs", "run", file]);
  assert.deepEqual([blind.code, blind.out], [125, ""]);
  assert.match(blind.err, /does not open its key[\s\S]*\/worker:read/);
  assert.equal((await hive.skep(["jobs", "--json"])).out, before);
});
