import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import {
  decodeMac,
  decodePayload,
  defaultMacClaims,
  encodePayload,
  type MacClaims,
  type MacRole,
  macKey,
  macRoles,
  mintMac,
  verifyMac,
} from "./mod.ts";

const secrets: Record<MacRole, string> = {
  queen: "bootstrap",
  "worker-heartbeat": "worker",
  "worker-gpu": "worker-gpu",
  "worker-bus": "worker-bus",
  "worker-lora": "worker-lora",
};
const against = { secretOf: (role: MacRole) => secrets[role], now: 0 };
const mount = { service: "", at: "" };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const refused = (code: string, detail: string) => (thrown: unknown) =>
  thrown instanceof Fault && thrown.code === `macticket.${code}` && thrown.detail === detail;

test("the keys of the published secrets are their BLAKE3 hashes", () => {
  assert.equal(hex(macKey("bootstrap")), "de0162bd1dabcd7cb1b6ed299b7eff5b7ac5cf2c4a3b087d046c7b6a81c16ac8");
  assert.equal(hex(macKey("worker")), "88d82e8abd979fbb217f37f22fcbf9a603fa1b8f46cfd84697ccea6030fc8412");
});

const vectors: [name: string, claims: MacClaims, text: string][] = [
  [
    "worker-heartbeat with subject worker-1",
    { role: "worker-heartbeat", subject: "worker-1", issuedAt: 0n, mount },
    "cohesix-ticket-0101080800776f726b65722d31000000000000000000000000.ea7bee86230e67031e6e758fa01c00eaa9c1f0bfff4b41548424a3df0356cff9",
  ],
  [
    "queen that is always expired",
    { role: "queen", ttl: 0n, issuedAt: 0n, mount },
    "cohesix-ticket-0100040000000000000000000000000000000000000000.e9b8bc4e26e2f06725347bdd8983fb3efc170658fc6af53cabb746bef58deddb",
  ],
  [
    "queen with three scopes and one cursor advance",
    {
      role: "queen",
      issuedAt: 0n,
      mount,
      scopes: [
        { path: "/log", verb: "read", rate: 1 },
        { path: "/queen", verb: "write", rate: 0 },
        { path: "/shard", verb: "write", rate: 0 },
      ],
      quotas: { bandwidthBytes: 0n, cursorResumes: 0, cursorAdvances: 1 },
    },
    "cohesix-ticket-0100300000000000000000000000000304002f6c6f67000100000006002f717565656e010000000006002f7368617264010000000000000000000000000000000001000000.0c714a86a89a2abc049395e486dbd2a8ce6ba7076ce508a02431a22319629672",
  ],
  [
    "worker-gpu as the real client minted it",
    defaultMacClaims("worker-gpu", 0x1a1f88c2b16n, "worker-2"),
    "cohesix-ticket-01020e400000000000000078000000000000000800776f726b65722d32162b8cf8a101000000000000.67fe887058aeea06c67b30ea8251f2141dafae0f9ac273b98b09cfee5c2677d4",
  ],
];
for (const [name, claims, text] of vectors)
  test(`the vector of a ${name} is minted bit for bit and read back`, () => {
    assert.equal(mintMac(secrets[claims.role], claims), text);
    assert.deepEqual(decodeMac(text), claims);
  });

test("a ticket is expired from issue plus ttl on, and not a millisecond before", () => {
  const text = mintMac("bootstrap", { role: "queen", ttl: 5n, issuedAt: 1000n, mount });
  assert.equal(verifyMac(text, { ...against, now: 5999 }).expiresAt, 6000n);
  assert.throws(() => verifyMac(text, { ...against, now: 6000 }), refused("expired", "expired"));
  assert.throws(() => verifyMac(vectors[1]?.[2] ?? "", against), refused("expired", "expired"));
});

test("a huge ttl neither overflows nor expires", () => {
  const text = mintMac("bootstrap", { role: "queen", ttl: 2n ** 64n - 1n, issuedAt: 2n ** 64n - 1n, mount });
  assert.ok(verifyMac(text, { ...against, now: Number.MAX_SAFE_INTEGER }));
});

const scoped = vectors[2]?.[2] ?? "";
test("scopes allow the longest prefix that has the verb, on segment boundaries, and nothing else", () => {
  const ticket = verifyMac(scoped, against);
  assert.deepEqual(ticket.allows("/log/queen.log", "read"), { path: "/log", verb: "read", rate: 1 });
  assert.equal(ticket.allows("/log/queen.log", "write"), undefined);
  assert.equal(ticket.allows("/logs", "read"), undefined);
  assert.equal(ticket.allows("/queen/ctl", "read"), undefined);
  assert.deepEqual(ticket.allows("/queen/ctl", "write"), { path: "/queen", verb: "write", rate: 0 });
  for (const crooked of ["/log/../queen", "log", "/log//x", "/log/"])
    assert.equal(ticket.allows(crooked, "read"), undefined, crooked);
});

test("a longer prefix without the verb does not hide a shorter one that has it", () => {
  const text = mintMac("bootstrap", {
    role: "queen",
    issuedAt: 0n,
    mount,
    scopes: [
      { path: "/", verb: "rw", rate: 0 },
      { path: "/log", verb: "read", rate: 9 },
      { path: "/log", verb: "rw", rate: 2 },
      { path: "/log/a", verb: "write", rate: 1 },
    ],
  });
  const ticket = verifyMac(text, against);
  const rate = (path: string, verb: "read" | "write") => {
    const scope = ticket.allows(path, verb);
    return scope === "any" ? scope : scope?.rate;
  };
  assert.deepEqual(
    [rate("/log/a", "read"), rate("/log/a", "write"), rate("/log/b", "write"), rate("/x", "read")],
    [2, 1, 2, 0],
  );
});

test("a ticket without quotas or with zeros gets the hive's maxima, one with quotas its own", () => {
  const plain = verifyMac(vectors[0]?.[2] ?? "", against);
  assert.deepEqual(plain.quotas, { bandwidthBytes: 131_072n, cursorResumes: 16, cursorAdvances: 256 });
  assert.equal(plain.allows("/anything", "write"), "any");
  assert.deepEqual(verifyMac(scoped, against).quotas, {
    bandwidthBytes: 131_072n,
    cursorResumes: 16,
    cursorAdvances: 1,
  });
});

const scope = { path: "/a", verb: "read" as const, rate: 1 };
const queen: MacClaims = { role: "queen", issuedAt: 0n, mount };
const beyond: [name: string, claims: MacClaims][] = [
  ["nine scopes", { ...queen, scopes: Array(9).fill(scope) }],
  ["a rate of 65", { ...queen, scopes: [{ ...scope, rate: 65 }] }],
  ["a path of 129 bytes", { ...queen, scopes: [{ ...scope, path: `/${"a".repeat(128)}` }] }],
  ["a path that climbs", { ...queen, scopes: [{ ...scope, path: "/a/../b" }] }],
  [
    "too much bandwidth",
    { ...queen, quotas: { bandwidthBytes: 131_073n, cursorResumes: 0, cursorAdvances: 0 } },
  ],
  ["too many resumes", { ...queen, quotas: { bandwidthBytes: 0n, cursorResumes: 17, cursorAdvances: 0 } }],
];
for (const [name, claims] of beyond)
  test(`a ticket with ${name} is refused as invalid-claims`, () => {
    assert.throws(
      () => verifyMac(mintMac("bootstrap", claims), against),
      refused("claims", "invalid-claims"),
    );
  });

test("a code by another secret, another role and a role without a secret are denied alike", () => {
  const denied = refused("denied", "denied");
  assert.throws(() => verifyMac(mintMac("other", queen), against), denied);
  assert.throws(() => verifyMac(mintMac("bootstrap", queen), { ...against, role: "worker-gpu" }), denied);
  assert.throws(
    () => verifyMac(mintMac("bootstrap", queen), { ...against, secretOf: () => undefined }),
    denied,
  );
  assert.equal(verifyMac(mintMac("bootstrap", queen), { ...against, role: "queen" }).claims.role, "queen");
});

test("what the format has no room for is refused before minting", () => {
  const bad: MacClaims[] = [
    { ...queen, subject: "a".repeat(256) },
    { ...queen, issuedAt: -1n },
    { ...queen, ticks: 2n ** 64n },
    { ...queen, scopes: Array(17).fill(scope) },
    { ...queen, scopes: [{ ...scope, rate: -1 }] },
    { ...queen, subject: "\ud800" },
  ];
  for (const claims of bad) assert.throws(() => mintMac("s", claims), { code: "macticket.unprintable" });
});

const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((s) => Buffer.byteLength(s) <= 255);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const u32 = fc.nat(0xffffffff);
const anyClaims = fc.record(
  {
    role: fc.constantFrom(...macRoles),
    ticks: u64,
    ops: u64,
    ttl: u64,
    subject: text,
    issuedAt: u64,
    mount: fc.record({ service: text, at: text }, { noNullPrototype: true }),
    scopes: fc.array(
      fc.record(
        { path: text, verb: fc.constantFrom("read" as const, "write" as const, "rw" as const), rate: u32 },
        { noNullPrototype: true },
      ),
      { maxLength: 16 },
    ),
    quotas: fc.record(
      { bandwidthBytes: u64, cursorResumes: u32, cursorAdvances: u32 },
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: ["role", "issuedAt", "mount"], noNullPrototype: true },
);

test("every payload is read back as it was written, and no shorter or longer one is read", () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      const payload = encodePayload(claims);
      assert.deepEqual(decodePayload(payload), claims);
      assert.throws(() => decodePayload(payload.subarray(0, -1)));
      assert.throws(() => decodePayload(Buffer.concat([payload, Buffer.of(0)])));
    }),
  );
});

test("any bytes either fail to decode or encode to themselves", () => {
  const bytes = fc
    .tuple(fc.nat(7), fc.nat(127), fc.uint8Array({ maxLength: 80 }))
    .map(([role, flags, rest]) => Buffer.from([1, role, flags, ...rest]));
  fc.assert(
    fc.property(bytes, (payload) => {
      let claims: MacClaims;
      try {
        claims = decodePayload(payload);
      } catch {
        return;
      }
      assert.deepEqual(encodePayload(claims), payload);
    }),
    { numRuns: 2000 },
  );
});

test("a ticket with any one character changed is denied, and the fault does not show it", () => {
  fc.assert(
    fc.property(fc.nat(scoped.length - 1), fc.constantFrom(..."0123456789abcdefxyz.-"), (at, letter) => {
      const changed = scoped.slice(0, at) + letter + scoped.slice(at + 1);
      if (changed === scoped) return;
      assert.throws(
        () => verifyMac(changed, against),
        (thrown) =>
          refused("denied", "denied")(thrown) && !(thrown as Fault).message.includes(scoped.slice(20, 40)),
      );
    }),
  );
  for (const text of ["", "cohesix-ticket-", "cohesix-ticket-.", `${scoped}\n`, ` ${scoped}`])
    assert.throws(() => verifyMac(text, against), refused("denied", "denied"));
});

test("defaults are those of the original", () => {
  assert.deepEqual(defaultMacClaims("queen", 5n), { role: "queen", issuedAt: 5n, mount });
  const { ticks, ops, ttl } = defaultMacClaims("worker-bus", 5n, "modbus-main");
  assert.deepEqual([ticks, ops, ttl], [1000n, 10_000n, 300n]);
});
