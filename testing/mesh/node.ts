// A node of the mesh in a process of its own, for tests: options come as JSON, then one JSON command a line on stdin; what
// happens and every answer is one JSON line on stdout.
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import type { Clock } from "@skep/clock";
import { createMesh, type MeshOptions, type MeshStream } from "@skep/edge-mesh";

type Command =
  | {
      readonly id: number;
      readonly do: "ask";
      readonly to: string | readonly string[];
      readonly times?: number;
    }
  | { readonly id: number; readonly do: "hold"; readonly to: string | readonly string[] }
  | { readonly id: number; readonly do: "addresses" | "peers" | "memory" | "collect" }
  | { readonly id: number; readonly do: "why"; readonly peer: string };

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms).unref();
    return { stop: () => clearTimeout(timer) };
  },
};

const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const { name, ...options } = JSON.parse(process.argv[2] ?? "{}") as { name: string } & Partial<MeshOptions>;
const mesh = await createMesh({ key: createHash("sha256").update(name).digest(), clock, ...options });
mesh.on((event) => say({ event }));
await mesh.handle("/t/echo", async (stream) => {
  for await (const bytes of stream) await stream.write(bytes);
});
say({ ready: { peer: mesh.peer, addresses: mesh.addresses() } });

async function round(stream: MeshStream): Promise<number> {
  const begun = performance.now();
  await stream.write(Buffer.alloc(128, 1));
  let got = 0;
  const answers = stream[Symbol.asyncIterator]();
  while (got < 128) {
    const { value, done } = await answers.next();
    if (done) throw new Error("it ended");
    got += value.length;
  }
  return performance.now() - begun;
}

const held: MeshStream[] = [];

async function answer(command: Command): Promise<object> {
  if (command.do === "addresses") return { addresses: mesh.addresses() };
  if (command.do === "peers") return { peers: mesh.peers() };
  if (command.do === "why") return { why: mesh.why(command.peer) };
  if (command.do === "collect") {
    globalThis.gc?.();
    return {};
  }
  if (command.do === "memory") {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return { rss, heapUsed, cpu: (user + system) / 1000, connections: mesh.peers().length };
  }
  if (command.do !== "ask" && command.do !== "hold") return { error: "unknown command" };
  const begun = performance.now();
  const stream = await mesh.open(command.to, "/t/echo", { timeout: 30_000 });
  const opened = performance.now() - begun;
  const first = await round(stream);
  if (command.do === "hold") held.push(stream);
  const rounds: number[] = [];
  for (let at = 1; command.do === "ask" && at < (command.times ?? 1); at++) rounds.push(await round(stream));
  if (command.do === "ask") await stream.close();
  const { path, transport, address } = stream;
  return {
    path,
    transport,
    address,
    opened,
    first,
    rtt: rounds.sort((left, right) => left - right)[rounds.length >> 1],
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  void answer(command).then(
    (result) => say({ id: command.id, ...result }),
    (thrown: Error) =>
      say({ id: command.id, error: thrown.message, code: "code" in thrown ? thrown.code : "" }),
  );
}
await mesh.close();
process.exit(0);
