// A hive whose gate is gone, against an agent that verifies by itself; ssh-keygen signs.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { canonical } from "@skep/canon";
import type { Emitted, Json, Session } from "@skep/kernel";
import { printStatement } from "@skep/statement";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const skip = spawnSync("ssh-keygen", ["-?"]).error
  ? "ssh-keygen is not installed (apt: openssh-client)"
  : false;
const dir = mkdtempSync(join(tmpdir(), "skep-agent-"));
after(() => rmSync(dir, { recursive: true, force: true }));

function key(name: string): string {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(dir, name)]);
  return readFileSync(join(dir, `${name}.pub`), "utf8").trim();
}

function sign(name: string, text: string): string {
  const file = join(dir, `${name}-statement`);
  writeFileSync(file, text);
  rmSync(`${file}.sig`, { force: true });
  const args = ["-q", "-Y", "sign", "-n", "skep-statement@v1", "-f", join(dir, name), file];
  execFileSync("ssh-keygen", args, { stdio: "ignore" });
  return readFileSync(`${file}.sig`, "utf8");
}

const ann = skip ? "" : key("ann");
if (!skip) key("eve");

interface Place extends TestHive {
  readonly owner: Session;
  /** Stores bytes as an output that retention may let go. */
  store(text: string): Promise<string>;
  there(digest: string): Promise<boolean>;
}

async function hive(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Place> {
  const place = await startTestHive(undefined, { SKEP_RETENTION_OUTPUTS_AGE: "0s", ...more });
  t.after(() => place[Symbol.asyncDispose]());
  const { kernel, owner, storage } = place.hive;
  const folder = join(place.home, "agent");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "signers"), `ann,owner ${ann}\n`);
  writeFileSync(join(folder, "roles"), "ann operational\n");
  const store = async (text: string): Promise<string> => {
    const digest = await storage.blobs.put(Buffer.from(text));
    kernel.system("cas", "/cas", { op: "store" }, () => ({
      events: [{ type: "stored@1", data: { digest, size: text.length, subject: "owner" } }],
    }));
    return digest;
  };
  const there = async (digest: string): Promise<boolean> => (await storage.blobs.size(digest)) !== undefined;
  return { ...place, owner, store, there };
}

/** What a daemon without its gate would do: let blobs go, in the name of whatever action it likes. */
async function patched(place: Place, digests: readonly string[], approved?: string): Promise<string> {
  const { kernel } = place.hive;
  const seq = kernel.journal.next;
  const record = kernel.journal.record.bind(kernel.journal);
  // Its journal says what it wants it to say.
  kernel.journal.record = async (at) => {
    const found = await record(at);
    return at === seq && approved !== undefined ? { ...found, approved } : found;
  };
  const effects = digests.map((digest) => ({ kind: "unlink", args: { digest } }));
  const events: Emitted[] = [{ type: "dropped@1", data: { digests: [...digests] } }];
  kernel.system("cas", "/cas/ctl", { op: "gc" }, () => ({ events, effects }));
  for (let at = seq + 1; ; at += 1) {
    while (kernel.journal.next <= at) await new Promise((resolve) => setImmediate(resolve));
    await kernel.settled();
    const { outcome, result } = (await record(at)) as { outcome?: string; result?: Json } & { command: Json };
    if (outcome?.startsWith(`${seq}.`))
      return JSON.stringify({ result, command: (await record(at)).command });
  }
}

/** Puts an action into the hive's state, with a signature on whatever statement it likes. */
function forge(place: Place, id: string, statement: string, signature: string): void {
  const { kernel } = place.hive;
  const seq = kernel.journal.next;
  kernel.system("policy", "/actions/queue", { op: "forge" }, () => ({
    events: [
      {
        type: "asked@1",
        data: {
          path: "/cas/ctl",
          act: "gc",
          class: "irreversible",
          line: '{"op":"gc"}',
          digest: "",
          key: null,
          role: "queen",
          blocks: [],
          expiresAt: null,
          right: null,
          target: "",
          needs: [],
          statement,
          expires: kernel.time.now() + 60_000,
        },
      },
    ],
  }));
  assert.equal(String(seq), id);
  kernel.system("policy", "/actions/queue", { op: "forge" }, () => ({
    events: [
      {
        type: "approved@1",
        data: { id, ready: false, signature, owners: ["ann"], role: "operational", blocks: [] },
      },
    ],
  }));
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

function statementFor(place: Place, digests: readonly string[], more: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return printStatement({
    act: "cas.gc",
    target: "/cas/ctl",
    targetIdentity: `sha256:${sha256(canonical(["/cas/ctl", { dropped: [...digests] }]))}`,
    targetDigest: null,
    parameters: {},
    reason: "full disk",
    undo: "It cannot be undone",
    hive: place.hive.keys.hive,
    policyVersion: "v0",
    notBefore: now - 5,
    notAfter: now + 600,
    nonce: sha256(JSON.stringify([digests, more])),
    role: "operational",
    action: "1",
    ...more,
  });
}

test("a hive without its gate cannot make the agent remove anything: unsigned, or what was not signed for", {
  skip,
}, async (t) => {
  const place = await hive(t);
  const digest = await place.store("precious");
  assert.match(await patched(place, [digest]), /agent\.unsigned/);
  const cases: [string, string, string][] = [
    ["statement.unknown-signer", "eve", statementFor(place, [digest])],
    ["statement.wrong-hive", "ann", statementFor(place, [digest], { hive: "another" })],
    ["statement.wrong-act", "ann", statementFor(place, [digest], { act: "cas.look" })],
    ["statement.wrong-target", "ann", statementFor(place, [digest], { target: "/cas/other" })],
    ["statement.changed-target", "ann", statementFor(place, [sha256("something else")])],
    ["statement.wrong-parameters", "ann", statementFor(place, [digest], { parameters: { all: true } })],
    ["statement.wrong-role", "ann", statementFor(place, [digest], { role: "recovery" })],
    ["statement.expired", "ann", statementFor(place, [digest], { notBefore: 1, notAfter: 2 })],
    ["statement.not-yet-valid", "ann", statementFor(place, [digest], { notBefore: 4e9, notAfter: 4e9 + 1 })],
  ];
  for (const [code, name, statement] of cases) {
    const id = String(place.hive.kernel.journal.next);
    forge(place, id, statement, sign(name, statement));
    assert.match(await patched(place, [digest], id), new RegExp(code), code);
    assert.equal(await place.there(digest), true, code);
  }
  const statement = statementFor(place, [digest], { action: "9" });
  const signature = sign("ann", statement);
  const id = String(place.hive.kernel.journal.next);
  forge(place, id, statement, signature);
  await patched(place, [digest], id);
  assert.equal(await place.there(digest), false);
  const again = await place.store("precious");
  assert.match(await patched(place, [again], id), /statement\.replayed/);
  assert.equal(await place.there(again), true);
  assert.match(readFileSync(join(place.home, "agent", "burnt"), "utf8"), /^[0-9a-f]{64} \S+\n$/);
});

test("a key that is revoked with the agent counts no more, whatever the hive says", { skip }, async (t) => {
  const place = await hive(t);
  const digest = await place.store("precious");
  writeFileSync(join(place.home, "agent", "revoked"), `${ann.split(" ").slice(0, 2).join(" ")}\n`);
  const statement = statementFor(place, [digest]);
  const id = String(place.hive.kernel.journal.next);
  forge(place, id, statement, sign("ann", statement));
  assert.match(await patched(place, [digest], id), /statement\.revoked/);
  assert.equal(await place.there(digest), true);
});

test("what is older than the operator pinned goes unsigned, and nothing younger", { skip }, async (t) => {
  const place = await hive(t);
  writeFileSync(join(place.home, "agent", "sweep-after"), "3600\n");
  const digest = await place.store("old");
  assert.match(await patched(place, [digest]), /agent\.unsigned/);
  const path = join(place.home, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  execFileSync("touch", ["-d", "2 hours ago", path]);
  await patched(place, [digest]);
  assert.equal(await place.there(digest), false);
});
