import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fullAuthority, type Kernel, type Session } from "@skep/kernel";
import { leasesProvider } from "@skep/provider-leases";
import { queenProvider } from "@skep/provider-queen";
import { workersProvider } from "@skep/provider-workers";
import { recordingFiles, type SimulatedClock, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { type Engagement, peersProvider } from "./mod.ts";

const hex = (text: string, digits = 64) => createHash("sha512").update(text).digest("hex").slice(0, digits);
const workerOf = (key: string) => `w-${key.slice(0, 12)}`;

interface Net {
  readonly kernel: Kernel;
  readonly clock: SimulatedClock;
  readonly owner: Session;
  readonly files: ReturnType<typeof recordingFiles>;
  readonly engaged: readonly Engagement[];
  readonly issued: { worker: string; box: string }[];
}

/** `later`: when the second ticket is made. */
async function net(files = recordingFiles(), clock = simulatedClock(), later?: Promise<void>): Promise<Net> {
  const engaged: Engagement[] = [];
  const issued: { worker: string; box: string }[] = [];
  const peers = peersProvider({
    worker: workerOf,
    proves: ({ proof, node }, invite) => proof === hex(`${node} ${invite}`, 128),
    issue: async (issue) => {
      const count = issued.push(issue);
      if (count > 1) await later;
      return `block-${issue.worker}-${count}`;
    },
    sealed: (worker) => `sealed for ${worker}`,
    code: () => "123456",
    wanted: () => undefined,
    self: () => ({ peer: "12D3Koo" }),
    path: () => undefined,
    volunteers: () => [{ volunteer: "12D3Koo", memory_mb: 64 }],
    engage: async (engagement) => {
      engaged.push(engagement);
      return engaged.length === 1 ? "Accepted" : 'Rejected "QueueFull"';
    },
  });
  const queen = queenProvider({ mostLive: 4, clock: { drift: () => 0, confirm: () => undefined } });
  const kernel = await toyHive({
    files,
    clock,
    providers: [queen, leasesProvider(), workersProvider(), peers],
  });
  return { kernel, clock, files, issued, engaged, owner: kernel.attach(fullAuthority("owner"), "test") };
}

const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const read = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();
const ctl = (session: Session, command: object) => session.append("/net/ctl", JSON.stringify(command));

async function invite({ owner }: Net, more: object = {}): Promise<string> {
  const answer = await ctl(owner, { op: "invite", ...more });
  assert.equal(answer.verdict, "ok");
  return (answer.result as { invite: string }).invite;
}

const guest = ({ kernel }: Net, id: string) =>
  kernel.attach(toyAuthority(`invite/${id}`, { "/net": ["read", "write"] }), "test");

function redeem(of: Net, id: string, machine: string, proof?: string) {
  const node = hex(machine);
  const line = {
    op: "redeem",
    node,
    box: hex(`${machine} box`),
    name: machine,
    proof: proof ?? hex(`${node} ${id}`, 128),
  };
  return guest(of, id).append("/net/join", JSON.stringify(line));
}

function hello(of: Net, machine: string) {
  const worker = workerOf(hex(machine));
  const session = of.kernel.attach(
    toyAuthority(
      worker,
      { [`/worker/${worker}`]: ["read", "write"] },
      { role: "worker", blocks: [{ id: `block-${worker}-1` }] },
    ),
    "test",
  );
  return session
    .append(`/worker/${worker}/ctl`, JSON.stringify({ op: "hello", incarnation: "a1b2c3d4" }))
    .then((answer) => ({ answer, session }));
}

test("a machine redeems, reads its sealed ticket, says hello, and the invitation is dead", async () => {
  const of = await net();
  const id = await invite(of, { class: "borrowed", owner: "ann" });
  const worker = workerOf(hex("laptop"));
  const answer = await redeem(of, id, "laptop");
  assert.deepEqual(answer.result, { worker, class: "borrowed", owner: "ann" });
  await settle();
  assert.equal(await read(guest(of, id), "/net/ticket"), `sealed for ${worker}\n`);
  // Asked again before it said hello: the same answer, and no second ticket.
  assert.deepEqual((await redeem(of, id, "laptop")).result, answer.result);
  assert.equal(of.issued.length, 1);
  assert.equal((await hello(of, "laptop")).answer.verdict, "ok");
  assert.equal((await redeem(of, id, "laptop")).code, "net.spent");
  const [row] = JSON.parse(await read(of.owner, "/net/nodes.json"));
  assert.deepEqual([row.node, row.state, row.class, row.owner], [worker, "present", "borrowed", "ann"]);
  await of.kernel.close();
});

const refusals: readonly (readonly [string, (of: Net, id: string) => Promise<unknown>, string])[] = [
  ["another machine used it", (of, id) => redeem(of, id, "first"), "net.used"],
  ["it was revoked", (of, id) => ctl(of.owner, { op: "revoke", invite: id }), "net.revoked"],
  ["it expired", async ({ clock }) => void clock.advance(16 * 60_000), "net.expired"],
];
for (const [why, before, code] of refusals)
  test(`joining is refused by its own code when ${why}`, async () => {
    const of = await net();
    const id = await invite(of);
    await before(of, id);
    assert.equal((await redeem(of, id, "second")).code, code);
    await of.kernel.close();
  });

test("joining is refused for an unknown invitation and for a proof by another key", async () => {
  const of = await net();
  const id = await invite(of);
  assert.equal((await redeem(of, "00".repeat(8), "laptop")).code, "net.invite");
  assert.equal((await redeem(of, id, "laptop", "00".repeat(64))).code, "net.proof");
  assert.equal(of.issued.length, 0);
  await of.kernel.close();
});

async function renewing(of: Net, machine: string) {
  const { session } = await hello(of, machine);
  const home = `/worker/${workerOf(hex(machine))}`;
  const renew = (box: string) =>
    session.append(`${home}/renew`, JSON.stringify({ op: "renew", box: hex(box) }));
  return { home, renew, session };
}

test("a volunteer's ticket ends after an hour, and is renewed for its own session only, in the second half", async () => {
  const of = await net();
  const id = await invite(of, { class: "volunteer" });
  const joined = (await redeem(of, id, "phone")).result as { ttl_ms: number };
  assert.ok(joined.ttl_ms > 3_598_000 && joined.ttl_ms <= 3_600_000);
  await settle();
  const { home, renew, session } = await renewing(of, "phone");
  assert.equal((await renew("second")).code, "net.early");
  await of.clock.advanceAsync(1_801_000);
  const renewed = await renew("second");
  assert.equal(renewed.verdict, "ok");
  await settle();
  // Asked again with the same box: the same ticket; with another one it is too early.
  assert.equal((await renew("second")).verdict, "ok");
  assert.equal((await renew("third")).code, "net.early");
  const [first, second] = of.issued as { role?: string; expiresAt?: number; follows?: boolean }[];
  assert.deepEqual([of.issued.length, first?.follows, second?.follows], [2, undefined, true]);
  assert.equal(second?.role, first?.role);
  assert.ok((second?.expiresAt ?? 0) - (first?.expiresAt ?? 0) >= 1_800_000);
  assert.equal(await read(session, `${home}/renewal`), `sealed for ${workerOf(hex("phone"))}\n`);
  await assert.rejects(() => read(of.owner, `${home}/renewal`), { kind: "absent" });
  await of.kernel.close();
});

test("a machine whose ticket does not end has nothing to renew", async () => {
  const of = await net();
  const id = await invite(of, { class: "owned" });
  assert.equal("ttl_ms" in ((await redeem(of, id, "desk")).result as object), false);
  await settle();
  const { renew } = await renewing(of, "desk");
  await assert.rejects(() => renew("other"), { kind: "absent" });
  await of.kernel.close();
});

test("who was removed or revoked while its ticket was made does not get it", async () => {
  for (const [worker, line] of [
    ["removed", { op: "remove", node: workerOf(hex("removed")) }],
    ["revoked", undefined],
  ] as const) {
    const gate = Promise.withResolvers<void>();
    const of = await net(recordingFiles(), simulatedClock(), gate.promise);
    const id = await invite(of, { class: "volunteer" });
    await redeem(of, id, worker);
    await settle();
    const { renew } = await renewing(of, worker);
    await of.clock.advanceAsync(1_801_000);
    assert.equal((await renew("second")).verdict, "ok");
    const first = `block-${workerOf(hex(worker))}-1`;
    if (line) await ctl(of.owner, line);
    else await of.owner.append("/queen/ctl", JSON.stringify({ revoke: first }));
    gate.resolve();
    await settle();
    await settle();
    const { revoked } = of.kernel.slices.kernel;
    assert.deepEqual(
      [revoked.has(first), revoked.has(`block-${workerOf(hex(worker))}-2`)],
      [true, true],
      worker,
    );
    await of.kernel.close();
  }
});

test("removal ends the machine's sessions, revokes its ticket and bars its key", async () => {
  const of = await net();
  const id = await invite(of);
  await redeem(of, id, "laptop");
  await settle();
  const { session } = await hello(of, "laptop");
  const worker = workerOf(hex("laptop"));
  assert.equal((await ctl(of.owner, { op: "remove", node: worker, reason: "sold" })).verdict, "ok");
  await assert.rejects(() => read(session, `/worker/${worker}/info`));
  assert.equal(of.kernel.slices.kernel.revoked.has(`block-${worker}-1`), true);
  const again = await invite(of);
  assert.equal((await redeem(of, again, "laptop")).code, "net.removed");
  await of.kernel.close();
});

test("a machine may leave, and take nobody else with it", async () => {
  const of = await net();
  const id = await invite(of);
  await redeem(of, id, "laptop");
  await settle();
  const { session } = await hello(of, "laptop");
  const worker = workerOf(hex("laptop"));
  const other = await session.append("/worker/w-other/leave", '{"op":"leave"}').catch((error) => error);
  assert.equal(other.kind, "absent");
  assert.equal((await session.append(`/worker/${worker}/leave`, '{"op":"leave"}')).verdict, "ok");
  const [row] = JSON.parse(await read(of.owner, "/net/nodes.json"));
  assert.deepEqual([row.state, row.why], ["removed", "it left"]);
  await of.kernel.close();
});

test("an invitation's ticket opens nothing but the joining", async () => {
  const of = await net();
  const id = await invite(of);
  const other = await invite(of);
  const session = guest(of, id);
  await assert.rejects(() => read(session, "/net/invites"), { kind: "absent" });
  await redeem(of, other, "laptop");
  await settle();
  assert.equal(await read(session, "/net/ticket"), "", "what another invitation brought is not shown");
  await of.kernel.close();
});

test("what was invited and redeemed is there again after a start; lapsed invitations are forgotten", async () => {
  const files = recordingFiles();
  const clock = simulatedClock();
  const of = await net(files, clock);
  const id = await invite(of);
  await redeem(of, id, "laptop");
  await settle();
  await of.kernel.close();
  const next = await net(recordingFiles(files.image()), clock);
  assert.equal(JSON.parse(await read(next.owner, "/net/invites.json"))[0].state, "redeemed");
  clock.advance(26 * 3_600_000);
  await settle();
  assert.deepEqual(JSON.parse(await read(next.owner, "/net/invites.json")), []);
  await next.kernel.close();
});

test("a volunteer is offered work with an invitation of its own, which is void where it does not come", async () => {
  const of = await net();
  const volunteer = "12D3KooWNA3cguiHJto6UNFDdhY5cm7sRBnnNvq2uLfs1jm6QvRW";
  const engage = { op: "engage", volunteer, requirements: { memory_mb: 128 } };
  const ids = [];
  for (let at = 0; at < 2; at += 1) {
    const { result } = await ctl(of.owner, engage);
    ids.push((result as { invite: string }).invite);
    await settle();
  }
  assert.deepEqual(of.engaged[0]?.requirements, {
    cpu_cores: 1,
    memory_mb: 128,
    timeout_seconds: 60,
    arch: "any",
    wasm_runtime: "wasm",
  });
  const rows = JSON.parse(await read(of.owner, "/net/invites.json"));
  assert.deepEqual(
    rows.map((row: Record<string, unknown>) => [row.invite, row.state, row.class, row.owner, row.answer]),
    [
      [ids[0], "open", "volunteer", `volunteer:${volunteer}`, "Accepted"],
      [ids[1], "revoked", "volunteer", `volunteer:${volunteer}`, 'Rejected "QueueFull"'],
    ],
  );
  assert.equal((await redeem(of, ids[1] ?? "", "late")).code, "net.revoked");
  assert.equal(await read(of.owner, "/net/volunteers"), "volunteer=12D3Koo memory_mb=64\n");
  await of.kernel.close();
});
