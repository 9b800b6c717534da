import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { answerJobOffer, type Offer, parseOffer, printOffer, readJobResponse } from "./mod.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const node = Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x ?? "", "base64url").toString(
  "hex",
);
const now = 1_800_000_000_000;
const offer: Offer = {
  node,
  arch: "x86_64",
  cpu_cores: 2,
  memory_mb: 512,
  timeout_seconds: 300,
  wasm_runtime: "wasm",
  supported_kinds: ["wasm"],
  made: now,
  until: now + 3_600_000,
};

test("an offer is read as it was printed", () => {
  assert.deepEqual(parseOffer(printOffer(offer, privateKey), now), offer);
});

const spoiled: readonly (readonly [why: string, text: () => string, code: string])[] = [
  [
    "changed",
    () => printOffer(offer, privateKey).replace('"memory_mb":512', '"memory_mb":999'),
    "offer.forged",
  ],
  ["signed by another", () => printOffer(offer, generateKeyPairSync("ed25519").privateKey), "offer.forged"],
  ["expired", () => printOffer({ ...offer, until: now }, privateKey), "offer.expired"],
  ["of tomorrow", () => printOffer({ ...offer, made: now + 86_400_000 }, privateKey), "offer.expired"],
  ["cut short", () => printOffer(offer, privateKey).slice(0, -9), "offer.damaged"],
  ["without a key", () => printOffer({ ...offer, node: "" }, privateKey), "offer.damaged"],
  ["endless", () => printOffer({ ...offer, arch: "x".repeat(5000) }, privateKey), "offer.damaged"],
];
for (const [why, text, code] of spoiled)
  test(`an offer that is ${why} is refused as ${code}`, () => {
    assert.throws(() => parseOffer(text(), now), { code });
  });

const requirements = {
  cpu_cores: 1,
  memory_mb: 64,
  timeout_seconds: 60,
  arch: "x86_64",
  wasm_runtime: "wasmtime-36",
};
const asked = {
  job_id: "j1",
  nonce: "00".repeat(16),
  module_hash: `sha256:${"ab".repeat(32)}`,
  requirements,
};
const standing = () => {
  const seen = new Set<string>();
  const fresh = (nonce: string) => !seen.has(nonce) && seen.add(nonce) !== undefined;
  return { offer, peer: "12D3Koo", now, busy: false, fresh };
};
const wanting = (more: object) => JSON.stringify({ ...asked, requirements: { ...requirements, ...more } });

test("what fits is accepted", () => {
  assert.deepEqual(answerJobOffer(JSON.stringify(asked), standing()), {
    Accepted: { job_id: "j1", estimated_start: now / 1000, node_peer_id: "12D3Koo" },
  });
});

const rejected: readonly (readonly [text: string, busy: boolean, reason: unknown])[] = [
  [wanting({ arch: "aarch64" }), false, { ArchMismatch: { required: "aarch64", available: "x86_64" } }],
  [wanting({ wasm_runtime: "llama-3" }), false, { RuntimeNotSupported: { required: "llama-3" } }],
  [
    wanting({ cpu_cores: 4, memory_mb: 9999 }),
    false,
    { InsufficientResources: { missing: "cpu_cores: 4 wanted, 2 offered" } },
  ],
  [
    wanting({ memory_mb: 513 }),
    false,
    { InsufficientResources: { missing: "memory_mb: 513 wanted, 512 offered" } },
  ],
  [
    wanting({ timeout_seconds: 301 }),
    true,
    { InsufficientResources: { missing: "timeout_seconds: 301 wanted, 300 offered" } },
  ],
  [wanting({}), true, "QueueFull"],
  [wanting({ memory_mb: -1 }), false, { InvalidRequest: { details: "no valid requirements.memory_mb" } }],
  ["{}", false, { InvalidRequest: { details: "no valid job_id" } }],
  ["hello", false, { InvalidRequest: { details: "no valid job_id" } }],
];
for (const [text, busy, reason] of rejected)
  test(`${text.slice(0, 200)} is rejected${busy ? " while busy" : ""} as ${JSON.stringify(reason)}`, () => {
    const answer = answerJobOffer(text, { ...standing(), busy });
    assert.ok("Rejected" in answer);
    assert.deepEqual(answer.Rejected.reason, reason);
  });

test("a nonce counts once", () => {
  const at = standing();
  assert.ok("Accepted" in answerJobOffer(JSON.stringify(asked), at));
  assert.deepEqual(answerJobOffer(JSON.stringify(asked), at), {
    Rejected: { job_id: "j1", reason: { InvalidRequest: { details: "nonce was used before" } } },
  });
});

test("an answer counts only for the offer that it names", () => {
  const answer = answerJobOffer(JSON.stringify(asked), standing());
  assert.deepEqual(readJobResponse(JSON.stringify(answer), "j1"), answer);
  assert.equal(readJobResponse(JSON.stringify(answer), "j2"), undefined);
  assert.equal(readJobResponse("[]", "j1"), undefined);
});
