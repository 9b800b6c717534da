import assert from "node:assert/strict";
import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Blobs } from "@skep/kernel";
import { openBlobs } from "@skep/storage";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import {
  type Chunk,
  decodeManifest,
  encodeManifest,
  type Manifest,
  mountUpdates,
  signManifest,
} from "./mod.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A private key from its 32 bytes in hex, as RFC 8410 wraps them. */
function keyFrom(seed: string): KeyObject {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.from(seed, "hex"),
  ]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** The original's key of tests, and its public half. */
const release = keyFrom("0123456789abcdef".repeat(4));
const publicHex = Buffer.from(release.export({ format: "jwk" }).x ?? "", "base64url").toString("hex");

const content = (epoch: string, parts: readonly Uint8Array[], change: Partial<Manifest> = {}): Manifest => {
  const chunks: Chunk[] = parts.map((part) => ({ digest: sha256(part), bytes: part.length }));
  const payload = Buffer.concat(parts);
  return {
    ...{ form: "content", epoch, chunkBytes: 32768, payloadBytes: payload.length },
    ...{ payloadSha256: sha256(payload), chunks, delta: null, signature: null, ...change },
  } as Manifest;
};

const fixed = (epoch: string, parts: readonly Uint8Array[], change: Partial<Manifest> = {}): Manifest => ({
  ...content(epoch, parts),
  form: "fixed",
  chunkBytes: 128,
  ...change,
});

async function rig(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "skep-updates-"));
  const blobs = openBlobs(dir);
  const files = recordingFiles();
  const { provider } = mountUpdates({
    blobs,
    files,
    keys: [publicHex],
    limits: { updates: 4, chunks: 1000, manifestBytes: 4096 },
  });
  const kernel = await toyHive({ files, clock: simulatedClock(), providers: [provider] });
  t.after(async () => {
    await kernel.close();
    rmSync(dir, { recursive: true });
  });
  const session = kernel.attach(toyAuthority("ann", { "/updates": ["read", "write"] }), "test");
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    const handle = await session.open(await session.find(path), { read: false, write: true });
    try {
      await handle.write(0, bytes);
    } finally {
      await handle.close();
    }
  };
  const read = async (path: string): Promise<Buffer> => Buffer.from(await session.read(path));
  return {
    put,
    read,
    session,
    blobs,
    kernel,
    manifest: (one: Manifest) =>
      put(`/updates/${one.epoch}/manifest.cbor`, encodeManifest(signManifest(one, release))),
    chunk: (epoch: string, bytes: Uint8Array) => put(`/updates/${epoch}/chunks/${sha256(bytes)}`, bytes),
    status: async (epoch: string): Promise<string> => (await read(`/updates/${epoch}/status`)).toString(),
    finish: (epoch: string) => session.append(`/updates/${epoch}/ctl`, '{"op":"finish"}'),
  };
}

const parts = ["one ", "two ", "three"].map((text) => Buffer.from(text.repeat(100)));

test("the original's test key signs what its manifest of epoch 100 was signed with", () => {
  assert.equal(publicHex, "207a067892821e25d770f1fba0c47c11ff4b813e54162ece9eb839e076231ab6");
  const manifest = signManifest(fixed("100", [Buffer.alloc(128, 7)]), release);
  assert.equal(encodeManifest(manifest).length, 169);
});

test("an update of cut chunks is ready when all have come and were checked, and reads back", async (t) => {
  const { manifest, chunk, finish, read, status } = await rig(t);
  assert.match(await status("1"), /^status epoch=1 state=empty\n/);
  await manifest(content("1", parts));
  assert.match(await status("1"), /^status epoch=1 state=chunks_pending\n/);
  assert.equal((await read("/updates/1/missing")).toString().split("\n").length, 4);
  for (const part of parts.slice(0, 2)) await chunk("1", part);
  assert.equal((await read("/updates/1/missing")).toString(), `${sha256(parts[2] ?? Buffer.alloc(0))}\n`);
  await finish("1");
  assert.match(await status("1"), /state=chunks_pending\n[\s\S]*missing=1/);
  await chunk("1", parts[2] ?? Buffer.alloc(0));
  await finish("1");
  assert.match(await status("1"), /^status epoch=1 state=ready\n/);
  const held = decodeManifest(await read("/updates/1/manifest.cbor"));
  const bytes = await Promise.all(
    (held?.chunks ?? []).map(({ digest }) => read(`/updates/1/chunks/${digest}`)),
  );
  assert.equal(sha256(Buffer.concat(bytes)), held?.payloadSha256);
  assert.equal((await read("/updates/1/status.cbor"))[0], 0xab);
});

test("a second update wants only the chunks that no earlier one brought", async (t) => {
  const { manifest, chunk, finish, read, status } = await rig(t);
  await manifest(content("1", parts));
  for (const part of parts) await chunk("1", part);
  await finish("1");
  const fresh = Buffer.from("four");
  await manifest(content("2", [fresh, ...parts]));
  assert.equal((await read("/updates/2/missing")).toString(), `${sha256(fresh)}\n`);
  await chunk("2", fresh);
  await finish("2");
  assert.match(await status("2"), /state=ready/);
});

test("the original's form takes chunks of 128 bytes in pieces, then its manifest, and deltas by their base", async (t) => {
  const { manifest, chunk, put, status } = await rig(t);
  const [one, two] = [Buffer.alloc(128, 1), Buffer.alloc(128, 2)];
  await assert.rejects(manifest(fixed("100", [one])), { code: "updates.lacks" });
  await put(`/updates/100/chunks/${sha256(one)}`, one.subarray(0, 96));
  await put(`/updates/100/chunks/${sha256(one)}`, one.subarray(96));
  await manifest(fixed("100", [one]));
  assert.match(await status("100"), /^status epoch=100 state=ready\n/);
  // The original's tool sends all of it again, chunks in pieces, as often as they are named.
  await put(`/updates/100/chunks/${sha256(one)}`, one.subarray(0, 93));
  await put(`/updates/100/chunks/${sha256(one)}`, one.subarray(93));
  await assert.rejects(put(`/updates/100/chunks/${sha256(one)}`, two), { code: "updates.complete" });
  await manifest(fixed("100", [one]));
  await chunk("101", two);
  const delta = { epoch: "100", sha256: sha256(one) };
  const whole = sha256(Buffer.concat([one, two]));
  await assert.rejects(manifest(fixed("101", [two], { delta })), { code: "updates.payload" });
  await manifest(fixed("101", [two], { delta, payloadSha256: whole }));
  assert.match(await status("101"), /state=ready[\s\S]*base_epoch=100/);
});

test("whatever was tampered with is refused, and leaves nothing behind", async (t) => {
  const { put, chunk, manifest, status, finish } = await rig(t);
  const good = signManifest(content("1", parts), release);
  const bytes = encodeManifest(good);
  const flipped = Buffer.from(bytes);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const stranger = signManifest(content("1", parts), keyFrom("01".repeat(32)));
  const swapped = { ...good, chunks: good.chunks.toReversed() };
  const send = (one: Manifest | Buffer) =>
    put("/updates/1/manifest.cbor", Buffer.isBuffer(one) ? one : encodeManifest(one));
  const cases: readonly (readonly [Manifest | Buffer, string])[] = [
    [flipped, "updates.signature"],
    [stranger, "updates.signature"],
    [swapped, "updates.signature"],
    [{ ...good, payloadSha256: "0".repeat(64) }, "updates.signature"],
    [{ ...good, signature: null }, "updates.unsigned"],
    [signManifest(content("2", parts), release), "updates.epoch"],
    [{ ...good, payloadBytes: good.payloadBytes + 1 }, "updates.manifest"],
    [Buffer.concat([bytes, Buffer.from([0])]), "updates.manifest"],
    [signManifest({ ...fixed("1", [Buffer.alloc(128)]), chunkBytes: 64 }, release), "updates.manifest"],
    [Buffer.alloc(5000, 0x9b), "updates.long"],
  ];
  for (const [one, code] of cases) await assert.rejects(send(one), { code });
  assert.match(await status("1"), /^status epoch=1 state=empty\n[\s\S]*quarantine count=10/);
  await send(bytes);
  // Said again it changes nothing; another is refused.
  await send(bytes);
  await assert.rejects(send(flipped), { code: "updates.fixed" });
  await assert.rejects(chunk("1", Buffer.from("not named")), { code: "updates.foreign" });
  const first = good.chunks[0]?.digest ?? "";
  await assert.rejects(put(`/updates/1/chunks/${first}`, Buffer.alloc(400)), { code: "updates.chunk" });
  // Signed, and yet not what it says: only the whole payload tells.
  await manifest(content("3", parts, { payloadSha256: "0".repeat(64) }));
  for (const part of parts) await chunk("3", part);
  await finish("3");
  assert.match(await status("3"), /state=quarantined[\s\S]*reason=updates.payload/);
});

test("a retired update takes along the chunks that no other needs", async (t) => {
  const { manifest, chunk, finish, session, blobs, status } = await rig(t);
  const [one, two, three] = parts.map(sha256);
  await manifest(content("1", parts));
  for (const part of parts) await chunk("1", part);
  await finish("1");
  await manifest(content("2", parts.slice(1)));
  await finish("2");
  assert.match(await status("2"), /state=ready/);
  // While its check still runs.
  await finish("1");
  await session.append("/updates/1/ctl", '{"op":"retire"}');
  for (let turn = 0; turn < 500 && (await blobs.size(one ?? "")) !== undefined; turn += 1)
    await new Promise((done) => setImmediate(done));
  assert.equal(await blobs.size(one ?? ""), undefined);
  assert.deepEqual([await blobs.size(two ?? ""), await blobs.size(three ?? "")], [400, 500]);
  assert.match(await status("1"), /state=empty/);
});

test("a chunk that there is no room for is nowhere on the disk", async (t) => {
  const { chunk, blobs } = await rig(t);
  const early = (at: number) => Buffer.alloc(128, `${at} `);
  for (let at = 0; at < 4; at += 1) await chunk(String(at + 1), early(at));
  await assert.rejects(chunk("5", early(5)), { code: "updates.many" });
  assert.equal(await blobs.size(sha256(early(5))), undefined);
  assert.equal(await blobs.size(sha256(early(3))), 128);
});

/** Lets so many reads of blobs go, and holds the others until it is told. */
function gate(t: TestContext, blobs: Blobs, free: number): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const read = blobs.read.bind(blobs);
  let reads = 0;
  t.mock.method(blobs, "read", async (...asked: Parameters<Blobs["read"]>) => {
    reads += 1;
    if (reads > free) await promise;
    return read(...asked);
  });
  return resolve;
}

test("who waits for the end of a check is answered when the update is retired meanwhile", async (t) => {
  const { manifest, chunk, read, finish, session, blobs } = await rig(t);
  await manifest(content("1", parts));
  for (const part of parts) await chunk("1", part);
  const open = gate(t, blobs, 0);
  await finish("1");
  const status = read("/updates/1/status");
  assert.equal((await session.append("/updates/1/ctl", '{"op":"retire"}')).verdict, "ok");
  assert.match((await status).toString(), /^status epoch=1 state=empty/);
  open();
});

test("an update whose base is retired while it is checked is not ready", async (t) => {
  const { manifest, chunk, status, session, blobs } = await rig(t);
  const [base, more] = [Buffer.alloc(128, "base"), Buffer.alloc(128, "more")];
  await chunk("1", base);
  await manifest(fixed("1", [base]));
  assert.match(await status("1"), /state=ready/);
  await chunk("2", more);
  const whole = sha256(Buffer.concat([base, more]));
  // The manifest is looked at when it comes, and once more.
  const open = gate(t, blobs, 2);
  await manifest(fixed("2", [more], { payloadSha256: whole, delta: { epoch: "1", sha256: sha256(base) } }));
  assert.equal((await session.append("/updates/1/ctl", '{"op":"retire"}')).verdict, "ok");
  open();
  assert.match(await status("2"), /state=quarantined.*reason=updates.base/s);
});

test("an update of which the disk lost a chunk says so with its cure, and is whole again when that chunk comes again", async (t) => {
  const { manifest, chunk, read, finish, status, blobs, kernel } = await rig(t);
  await manifest(content("1", parts));
  for (const part of parts) await chunk("1", part);
  await finish("1");
  const [first = Buffer.alloc(0)] = parts;
  await blobs.remove(sha256(first));
  assert.match(await status("1"), /^status epoch=1 state=damaged$.*missing=1.*reason=updates.damaged$/ms);
  const { cure } = JSON.parse((await read("/updates/1/status.json")).toString());
  assert.match(cure, /skep update upload/);
  assert.equal((await read("/updates/1/missing")).toString(), `${sha256(first)}\n`);
  await assert.rejects(read(`/updates/1/chunks/${sha256(first)}`), { code: "updates.damaged" });
  const before = kernel.journal.durable;
  await chunk("1", first);
  assert.equal(kernel.journal.durable, before);
  assert.match(await status("1"), /state=ready/);
  assert.deepEqual(await read(`/updates/1/chunks/${sha256(first)}`), first);
});
