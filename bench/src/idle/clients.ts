// Machines that are attached over the mesh and wait: each with its own identity, connection and session. What they are comes as
// a JSON line on stdin; a JSON line on stdout tells whenever all of them are there.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@skep/clock";
import { createMesh, type Mesh, ninepProtocol } from "@skep/edge-mesh";
import { createClient, wireFromSocket } from "@skep/ninep";

interface Given {
  readonly addresses: readonly string[];
  readonly machines: readonly { readonly id: string; readonly seed: string; readonly ticket: string }[];
}

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms).unref();
    return { stop: () => clearTimeout(timer) };
  },
};
let attached = 0;
let wanted = 0;

/** As a worker does it: hello, then the inbox is followed for as long as the connection stands. */
async function attach(mesh: Mesh, addresses: readonly string[], id: string, ticket: string): Promise<void> {
  const stream = await mesh.open(addresses, ninepProtocol);
  await using client = await createClient(wireFromSocket(stream.socket()), { aname: ticket });
  const inbox = await client.open(`/worker/${id}/inbox.follow`);
  const hello = { op: "hello", incarnation: `bench-${id}`, slots: 1, kinds: ["wasm"] };
  await client.append(`/worker/${id}/ctl`, JSON.stringify(hello));
  attached += 1;
  if (attached === wanted) process.stdout.write(`${JSON.stringify({ attached })}\n`);
  try {
    for await (const _ of inbox.follow({ offset: Number((await inbox.getattr()).size) }));
  } finally {
    attached -= 1;
  }
}

async function live(
  addresses: readonly string[],
  { id, seed, ticket }: Given["machines"][number],
): Promise<void> {
  const mesh = await createMesh({ key: Buffer.from(seed, "hex"), clock });
  for (let wait = 50; ; wait = Math.min(2 * wait, 10_000)) {
    const began = performance.now();
    await attach(mesh, addresses, id, ticket).catch(() => undefined);
    if (performance.now() - began > 5000) wait = 50;
    await sleep(wait * (0.5 + Math.random() / 2));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { addresses, machines } = JSON.parse(line) as Given;
  wanted = machines.length;
  for (const machine of machines) void live(addresses, machine);
}
