import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Fault, faults } from "@skep/fault";
import { type Authority, defineProvider, emitter, fullAuthority, Kernel, type Scope } from "@skep/kernel";
import { recordingFiles, type SimulatedClock, simulatedClock } from "@skep/testing";
import { z } from "zod";
import { mintMac } from "@skep/macticket";
import { createConsole, doorOf, type Login, ticketLogin } from "./mod.ts";
import { MemoryClient } from "./memory-client.ts";

const fault = faults("toy", { unknown: ["absent", "Cannot kill worker: no such worker"] });
const events = {
  "spawned@1": ({ workers }: Slice, { id }: { id: string }) => workers.set(id, id),
  "killed@1": ({ workers }: Slice, { id }: { id: string }) => workers.delete(id),
};
const emit = emitter(events);
const initial = (scope: Scope) => ({ workers: scope.table<string>("workers") });
type Slice = ReturnType<typeof initial>;

const Command = z.union([
  z.strictObject({ spawn: z.literal("heartbeat") }),
  z.strictObject({ kill: z.string() }),
]);
const toy = defineProvider<Slice>({
  name: "toy",
  doc: "Workers of this test",
  initial,
  events,
  mounts: (t) => ({
    "/queen": t.dir("Control", {
      ctl: t.control("Spawn or kill", {
        input: Command,
        undo: "compensable",
        decide: (command, { state, next }) => {
          if ("spawn" in command) return { events: [emit("spawned@1", { id: `worker-${next}` })] };
          if (!state.workers.has(command.kill)) throw fault.unknown(command.kill);
          return { events: [emit("killed@1", { id: command.kill })] };
        },
      }),
    }),
    "/worker": t.each(
      "Workers",
      "id",
      { list: ({ state }) => state.workers.keys(), has: (name, { state }) => state.workers.has(name) },
      t.dir("One worker", {
        telemetry: t.stream("What it says", {
          source: ({ ring, path }) => ring(path, 1024),
          append: (bytes, { ring, path }) => {
            ring(path, 1024).append(bytes);
            return bytes.length;
          },
        }),
      }),
    ),
  }),
});

const narrow: Authority = {
  subject: "reader",
  role: "observer",
  blocks: [{ id: "reader" }],
  allows: (path, verb) => (verb === "read" && path.startsWith("/queen") ? { meters: [] } : undefined),
  touches: (path) => path === "/" || path.startsWith("/queen"),
};

function anyone(kernel: Kernel): Login {
  return ({ role, ticket }) => {
    const authority = role === "observer" ? narrow : fullAuthority("owner");
    return { session: doorOf(kernel.attach(authority, "console")), ...(ticket ? { limits: {} } : {}) };
  };
}

function tickets(kernel: Kernel, clock: SimulatedClock): Login {
  return ticketLogin({
    secretOf: (role) => (role === "queen" ? "bootstrap" : role === "worker-heartbeat" ? "worker" : undefined),
    verify: (ticket) => {
      if (ticket !== "public") throw new Fault("unauthenticated", "ticket.malformed", "Cannot read ticket");
      return { authority: narrow };
    },
    now: () => clock.now(),
    attach: (authority) => kernel.attach(authority, "console"),
  });
}

async function hive(byTicket = false) {
  const clock = simulatedClock();
  const kernel = await Kernel.open({
    files: recordingFiles(),
    providers: [toy],
    version: "test",
    clock,
    defer: (act) => setImmediate(act),
    fatal: (error) => assert.fail(String(error)),
    chance: () => randomBytes(32).toString("hex"),
    born: () => ({ id: "h", name: "h" }),
  });
  const made = createConsole({
    token: "t",
    clock,
    about: { name: "skep", version: "0", startedAt: 0, memory: () => ({ resident: 1, heap: 1, buffers: 1 }) },
    login: byTicket ? tickets(kernel, clock) : anyone(kernel),
  });
  const connect = async (attach: string) => {
    const client = new MemoryClient();
    const served = made.serve(client);
    client.say("AUTH t", attach);
    await client.until(2);
    return { client, served };
  };
  return { kernel, connect, clock };
}

test("a kernel's session is shown by the console: control, listing, stream, refusals", async (context) => {
  const { kernel, connect } = await hive();
  context.after(() => kernel.close());
  const { client, served } = await connect("ATTACH queen ");
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"spawn":"heartbeat"}'), [
    "OK ECHO path=/queen/ctl bytes=21",
  ]);
  const [ack, id] = await client.ask("LS /worker");
  assert.equal(ack, "OK LS path=/worker entries=1");
  const path = `/worker/${id}/telemetry`;
  assert.deepEqual(await client.ask(`ECHO ${path} tick 1`), [`OK ECHO path=${path} bytes=6`]);
  await client.ask(`ECHO ${path} tick 2`);
  assert.deepEqual(await client.ask(`TAIL ${path}`), [`OK TAIL path=${path}`, "tick 1", "tick 2", "END"]);
  assert.deepEqual(await client.ask(`CAT ${path}.follow`), [
    `ERR CAT reason=policy detail=unsupported path=${path}.follow error=unsupported`,
  ]);
  assert.deepEqual(await client.ask('SPAWN {"spawn":"alien"}'), [
    'OK SPAWN payload={"spawn":"alien"}',
    "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload",
  ]);
  assert.deepEqual(await client.ask(`KILL ${id}`), [`OK KILL id=${id}`]);
  assert.deepEqual(await client.ask(`KILL ${id}`), [
    `OK KILL id=${id}`,
    "ERR KILL reason=policy detail=invalid-path error=invalid path",
  ]);
  for (const path of ["/nope", "/queen/", "/queen/../queen", "//queen"])
    assert.deepEqual(await client.ask(`CAT ${path}`), [
      `ERR CAT reason=policy detail=invalid-path path=${path} error=invalid path`,
    ]);
  assert.deepEqual(await client.ask("CAT /queen"), [
    "ERR CAT reason=policy detail=invalid-path path=/queen error=invalid path",
  ]);
  client.say("QUIT");
  await served;
  assert.equal(kernel.sessions.size, 0);
});

test("a cursor goes on in absolute offsets while the ring wraps", async (context) => {
  const { kernel, connect } = await hive();
  context.after(() => kernel.close());
  const { client } = await connect("ATTACH queen ticket");
  await client.ask('SPAWN {"spawn":"heartbeat"}');
  const path = `/worker/${(await client.ask("LS /worker"))[1]}/telemetry`;
  await client.ask(`ECHO ${path} first`);
  assert.deepEqual((await client.ask(`TAIL ${path}`)).slice(1), ["first", "END"]);
  for (let at = 0; at < 20; at++) await client.ask(`ECHO ${path} ${String(at).padStart(127, "x")}`);
  const [ack, ...lines] = await client.ask(`TAIL ${path}`);
  assert.equal(ack, `OK TAIL path=${path} skipped=1536`);
  assert.deepEqual([lines.length, lines.at(-2)], [9, "19".padStart(127, "x")]);
  assert.deepEqual(await client.ask(`TAIL ${path}`), [`OK TAIL path=${path}`, "END"]);
});

test("a narrow ticket may not write, and what it may not see is absent", async (context) => {
  const { kernel, connect } = await hive();
  context.after(() => kernel.close());
  const { client } = await connect("ATTACH observer ticket");
  assert.deepEqual(await client.ask("LS /"), ["OK LS path=/ entries=1", "queen", "END"]);
  assert.deepEqual(await client.ask("LS /worker"), [
    "ERR LS reason=policy detail=invalid-path path=/worker error=invalid path",
  ]);
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"spawn":"heartbeat"}'), [
    "ERR ECHO reason=policy detail=denied path=/queen/ctl error=EPERM",
  ]);
});

test("ECHOs in one segment are journalled in their order", async (context) => {
  const { kernel, connect } = await hive();
  context.after(() => kernel.close());
  const { client } = await connect("ATTACH queen ");
  client.say(...Array.from({ length: 200 }, () => 'ECHO /queen/ctl {"spawn":"heartbeat"}'), "LS /worker");
  await client.until(2 + 200 + 202);
  const names = client.lines.slice(-201, -1);
  assert.equal(new Set(names).size, 200);
  assert.deepEqual(
    names,
    names.toSorted((a, b) => Number(a.slice(7)) - Number(b.slice(7))),
  );
});

const worker1 =
  "cohesix-ticket-0101080800776f726b65722d31000000000000000000000000.ea7bee86230e67031e6e758fa01c00eaa9c1f0bfff4b41548424a3df0356cff9";
const expired =
  "cohesix-ticket-0100040000000000000000000000000000000000000000.e9b8bc4e26e2f06725347bdd8983fb3efc170658fc6af53cabb746bef58deddb";
const scoped =
  "cohesix-ticket-0100300000000000000000000000000304002f6c6f67000100000006002f717565656e010000000006002f7368617264010000000000000000000000000000000001000000.0c714a86a89a2abc049395e486dbd2a8ce6ba7076ce508a02431a22319629672";

test("the published MAC tickets attach, expire and are scoped as the facts page says", async (context) => {
  const { kernel, connect, clock } = await hive(true);
  context.after(() => kernel.close());
  const { client } = await connect(`ATTACH worker ${worker1}`);
  assert.equal(client.lines[1], "OK ATTACH role=worker-heartbeat");
  assert.deepEqual([...kernel.sessions.values()][0]?.subject, "worker-1");
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"spawn":"heartbeat"}'), [
    "ERR ECHO reason=policy detail=denied path=/queen/ctl error=EPERM",
  ]);
  assert.deepEqual(await client.ask(`ATTACH queen ${expired}`), ["ERR ATTACH reason=quota detail=expired"]);
  clock.advance(250);
  assert.deepEqual(await client.ask(`ATTACH queen ${worker1}`), ["ERR ATTACH reason=policy detail=denied"]);
  clock.advance(500);
  assert.deepEqual(await client.ask(`ATTACH queen ${scoped}`), ["OK ATTACH role=queen"]);
  assert.deepEqual(await client.ask("LS /worker"), ["ERR LS reason=policy path=/worker error=EPERM"]);
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"spawn":"heartbeat"}'), [
    "OK ECHO path=/queen/ctl bytes=21",
  ]);
  assert.equal(kernel.sessions.size, 1);
});

test("a ticket that runs out while attached is refused from then on", async (context) => {
  const { kernel, connect, clock } = await hive(true);
  context.after(() => kernel.close());
  const claims = {
    role: "queen",
    ttl: 10n,
    issuedAt: BigInt(clock.now()),
    mount: { service: "", at: "" },
  } as const;
  const { client } = await connect(`ATTACH queen ${mintMac("bootstrap", claims)}`);
  assert.equal((await client.ask("LS /"))[0], "OK LS path=/ entries=2");
  clock.advance(10_000);
  // Which of the two depends on whether the kernel has already closed the session.
  const [refusal = ""] = await client.ask("LS /queen");
  assert.match(refusal, /^ERR LS reason=(policy detail=expired|cut detail=session-closed) path=\/queen$/);
});

test("a public-key ticket attaches with its own role only", async (context) => {
  const { kernel, connect, clock } = await hive(true);
  context.after(() => kernel.close());
  const { client } = await connect("ATTACH observer public");
  assert.equal(client.lines[1], "OK ATTACH role=observer");
  assert.deepEqual(await client.ask("ATTACH queen public"), ["ERR ATTACH reason=policy detail=denied"]);
  clock.advance(250);
  assert.deepEqual(await client.ask("ATTACH observer other"), ["ERR ATTACH reason=policy detail=denied"]);
});
