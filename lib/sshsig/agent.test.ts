import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { openAgent, signSshsig } from "./mod.ts";
import { softEd25519, softRsa } from "./testing/soft-key.ts";
import { Reader, string, u32 } from "./wire.ts";

const bad = (what: string) => assert.fail(what);
const namespace = "skep-statement@v1";
const message = Buffer.from("a statement");
const alice = softEd25519();

/** An agent that answers each request by what `answer` makes of it, cut into single bytes; undefined hangs up. */
function fakeAgent(answer: (request: Reader, kind: number) => Uint8Array | undefined) {
  const answers = new PassThrough();
  const write = (bytes: Uint8Array) => {
    const request = new Reader(new Reader(bytes, bad).string(), bad);
    const made = answer(request, request.u8());
    if (!made) answers.end();
    else for (const byte of string(made)) answers.write(Buffer.of(byte));
  };
  return openAgent({ write, [Symbol.asyncIterator]: () => answers[Symbol.asyncIterator]() });
}

const listOf = (...blobs: readonly Uint8Array[]) =>
  Buffer.concat([
    Buffer.of(12),
    u32(blobs.length),
    ...blobs.flatMap((blob) => [string(blob), string("home")]),
  ]);

test("two signatures that are asked for at once come one after the other", async () => {
  const agent = fakeAgent((request, kind) => {
    if (kind === 11) return listOf(alice.key.blob);
    request.string();
    return Buffer.concat([Buffer.of(14), string(alice.sign(request.string()) as Uint8Array)]);
  });
  const [identity] = await agent.identities();
  assert.equal(identity?.comment, "home");
  const both = [message, Buffer.from("another")];
  const signed = await Promise.all(both.map((one) => signSshsig(one, { namespace }, identity.signer)));
  assert.notEqual(signed[0], signed[1]);
});

test("an RSA key is asked for SHA-512, and an agent that answers with SHA-1 is refused", async () => {
  const [good, old] = [softRsa(2048), softRsa(2048, "ssh-rsa")];
  const flags: number[] = [];
  const agent = fakeAgent((request, kind) => {
    if (kind === 11) return listOf(good.key.blob, old.key.blob);
    const blob = request.string();
    const data = request.string();
    flags.push(request.u32());
    const signer = blob.equals(good.key.blob) ? good : old;
    return Buffer.concat([Buffer.of(14), string(signer.sign(data) as Uint8Array)]);
  });
  const [first, second] = await agent.identities();
  assert.ok(first && second);
  await signSshsig(message, { namespace }, first.signer);
  await assert.rejects(signSshsig(message, { namespace }, second.signer), { code: "sshsig.algorithm" });
  assert.deepEqual(flags, [4, 4]);
});

test("keys of unknown types are passed over", async () => {
  const unknown = Buffer.concat([string("ssh-of-tomorrow"), string("key")]);
  const identities = await fakeAgent(() => listOf(unknown, alice.key.blob)).identities();
  assert.deepEqual(
    identities.map(({ signer }) => signer.key.fingerprint),
    [alice.key.fingerprint],
  );
});

test("an agent that refuses, hangs up or talks nonsense is told apart", async () => {
  const answers = {
    "sshsig.agent-refused": Buffer.of(5),
    "sshsig.agent-gone": undefined,
    "sshsig.agent-protocol": Buffer.of(99),
  };
  for (const [code, answer] of Object.entries(answers))
    await assert.rejects(fakeAgent(() => answer).identities(), { code });
  const short = fakeAgent(() => Buffer.concat([Buffer.of(12), u32(2), string(alice.key.blob)]));
  await assert.rejects(short.identities(), { code: "sshsig.agent-protocol" });
  const long = fakeAgent(() => Buffer.alloc(300_000));
  await assert.rejects(long.identities(), { code: "sshsig.agent-protocol" });
});

test("who waits for a touch can give up, and the connection is of no more use then", async () => {
  const stop = new AbortController();
  const silent = openAgent({
    write: () => stop.abort(new Error("no touch")),
    [Symbol.asyncIterator]: () => new PassThrough()[Symbol.asyncIterator](),
  });
  await assert.rejects(silent.identities(stop.signal), /no touch/);
  await assert.rejects(silent.identities(), /no touch/);
});

test("who gave up before the request left has broken nothing", async () => {
  const agent = fakeAgent(() => listOf(alice.key.blob));
  await assert.rejects(agent.identities(AbortSignal.abort(new Error("too late"))), /too late/);
  assert.equal((await agent.identities()).length, 1);
});
