import { until } from "@skep/app-skep";
import { sleepADay } from "../../fleet/fleet.ts";
import type { FarNode } from "../../mesh/far-node.ts";
import { joined, listed, type Recovery, Stage, why, works } from "./shown.ts";

const minute = 60_000;

const active = (node: FarNode, relay: FarNode, from = 0) =>
  node.until(
    (event) => event.kind === "reservation" && event.state === "active" && event.relay === relay.peer,
    70_000,
    from,
  );

/** A reservation ends: first it is renewed before, then its holder sleeps through its end. */
async function expiry(): Promise<readonly Recovery[]> {
  await using stage = new Stage();
  const ttl = 6000;
  const relay = await stage.node("relay", { relay: { ttl } });
  const hidden = await stage.node("hidden", { listen: [], relays: relay.addresses });
  await active(hidden, relay);
  const far = await stage.node("far", { listen: [] });
  const addresses = await hidden.now();
  const reach = async (): Promise<void> => {
    const asked = await far.ask(addresses);
    if (asked.error !== undefined || asked.path !== "relayed") throw new Error(JSON.stringify(asked));
  };
  // Its second renewal comes after the first end: who is reached then is reached by what was renewed.
  for (let times = 0; times < 2; times += 1)
    await hidden.until(
      (event) => event.kind === "reservation" && event.state === "renewing",
      2 * ttl,
      hidden.events.length,
    );
  const renewed = performance.now();
  await reach();
  const gap = performance.now() - renewed;
  const lost = relay.until(
    ({ kind, ...event }) => kind === "disconnected" && "peer" in event && event.peer === hidden.peer,
    30_000,
    relay.events.length,
  );
  hidden.child.kill("SIGSTOP");
  const asleep = performance.now();
  await lost;
  const left = asleep + 1.5 * ttl - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  const seen = hidden.events.length;
  hidden.child.kill("SIGCONT");
  const begun = performance.now();
  await active(hidden, relay, seen);
  await reach();
  return [
    { what: `a reservation of ${ttl} ms, renewed twice before its end: reached`, took: gap, most: 5000 },
    {
      what: "slept through its end: reserved and reached again under the same name",
      took: performance.now() - begun,
      most: minute,
    },
  ];
}

const publicAddress = /^\/ip4\/5[.\d]*\/tcp\/\d+\/p2p/;

async function addressesOf(machine: { read(path: string): Promise<string> }): Promise<string[]> {
  return (JSON.parse(await machine.read("/net/self.json")) as { addresses: string[] }).addresses;
}

/** The relay between a hive and a machine, each behind a router, is killed. */
async function relayDeath(): Promise<readonly Recovery[]> {
  await using stage = new Stage();
  const { lab } = stage;
  const inet = lab.network("inet");
  const relays = await Promise.all(
    [1, 2].map(async (at) => {
      const relay = stage.machine(`relay-${at}`, lab.host(`relay ${at}`, inet, `5.1.0.${at}/8`));
      relay.configure("hive", "[mesh]\nrelay = true\nport_mapping = false\n");
      const running = await relay.up("--mesh", "[::]:7781");
      const address = (await addressesOf(relay)).find((one) => publicAddress.test(one)) ?? "";
      return { running, address };
    }),
  );
  const far = lab.nat("nat of the hive", inet, { outside: "5.2.0.1/8" });
  const hive = stage.machine("hidden", lab.host("hidden", far, "192.168.1.2/24"));
  const configured = JSON.stringify(relays.map(({ address }) => address));
  hive.configure("hive", `[mesh]\nrelays = ${configured}\nport_mapping = false\n`);
  await hive.up("--mesh", "[::]:7781");
  const through = await until(
    async () => (await addressesOf(hive)).find((one) => one.includes("p2p-circuit")),
    () => "no reservation",
  );
  const home = lab.nat("nat of the machine", inet, {
    outside: "5.2.0.2/8",
    inside: "192.168.7.1/24",
  });
  await joined(hive, stage.machine("cabin", lab.host("cabin", home, "192.168.7.2/24")), "cabin");
  const before = (await listed(hive, "cabin", "present")).node;
  const used = relays.find(({ address }) => through.startsWith(address.split("/tcp/", 1)[0] ?? "-"));
  const begun = performance.now();
  await used?.running.end("SIGKILL");
  await listed(hive, "cabin", "absent");
  const row = await listed(hive, "cabin", "present", 2 * minute);
  const took = performance.now() - begun;
  if (row.path !== "relayed" || row.node !== before) throw new Error(JSON.stringify(row));
  const says = await why(hive, "cabin", /is present since .*: relayed/);
  await works(hive);
  return [{ what: "relay killed -9: hive and machine met at another", took, most: minute, says }];
}

/** A hive is killed in the midst of a job and started again. */
async function hiveRestart(): Promise<readonly Recovery[]> {
  await using stage = new Stage();
  const hive = stage.machine("restarted");
  const first = await hive.up("--mesh", "127.0.0.1:0");
  const { port } = (JSON.parse(first.out.split("\n", 1)[0] ?? "") as { mesh: { port: number } }).mesh;
  await joined(hive, stage.machine("desk"), "desk");
  const job = hive.job("mandelbrot", "1200", "1000", "3000");
  const running = await until(
    async () => (await hive.jobs()).find(({ state }) => state === "running"),
    () => "the job never began",
  );
  await first.end("SIGKILL");
  await job.ended;
  await hive.up("--mesh", `127.0.0.1:${port}`);
  const begun = performance.now();
  await listed(hive, "desk", "present");
  const took = performance.now() - begun;
  const says = await why(hive, "desk", /is present since .*: direct/);
  const ended = await until(
    async () => (await hive.jobs()).find(({ job: id, ended_ms }) => id === running.job && ended_ms !== null),
    () => "its job never ended",
    minute,
  );
  const { state, verified, tries } = ended;
  if (state !== "done" || verified !== "yes" || tries !== 1) throw new Error(JSON.stringify(ended));
  return [
    { what: "hive killed -9 and started: its machine was back", took, most: 30_000, says },
    {
      what: "its job, begun before the kill, was done at the first try",
      took: performance.now() - begun,
      most: minute,
    },
  ];
}

/** A machine sleeps: a real one until it is missed, a simulated one for a day. */
async function sleep(): Promise<readonly Recovery[]> {
  await using stage = new Stage();
  const hive = stage.machine("patient");
  await hive.up("--mesh", "127.0.0.1:0");
  const worker = await joined(hive, stage.machine("sleeper"), "sleeper");
  worker.child.kill("SIGSTOP");
  await listed(hive, "sleeper", "absent");
  await why(hive, "sleeper", /is absent since/);
  worker.child.kill("SIGCONT");
  const begun = performance.now();
  await listed(hive, "sleeper", "present");
  const took = performance.now() - begun;
  const says = await why(hive, "sleeper", /is present since/);
  await works(hive);
  const day = await sleepADay(5);
  return [
    { what: "a machine stopped until it was missed: back", took, most: 30_000, says },
    {
      what: "a machine asleep for a simulated day: its job done by another",
      took: day.replaced,
      most: minute,
    },
    { what: "the same, awake: attached again and working", took: day.back, most: 30_000 },
  ];
}

/** What can be shown, by its command. */
export const shows: Readonly<
  Record<string, { readonly needsLab: boolean; readonly run: () => Promise<readonly Recovery[]> }>
> = {
  expiry: { needsLab: false, run: expiry },
  "relay-death": { needsLab: true, run: relayDeath },
  "hive-restart": { needsLab: false, run: hiveRestart },
  sleep: { needsLab: false, run: sleep },
};
