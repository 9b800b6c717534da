import type { Build, Node, Ring, Scene } from "@skep/kernel";
import { checkTaking, type Uses } from "./access.ts";
import type { BusAdapter, Mounted } from "./adapters.ts";
import { decideBus, decideLink, linkOf } from "./decide.ts";
import { busInfo, lineOf, pendingOf, writeJson, writeRow, writesOf } from "./render.ts";
import { BusCommand, parseBus } from "./schema.ts";
import type { Buses } from "./state.ts";
import type { Rings, Traffic } from "./traffic.ts";

type At = Scene<Buses, Uses>;

/** Bytes of a stream of an adapter. */
export const ringBytes = 64 * 1024;

/** Streams of a bus. */
export function ringsOf(name: string, ring: (path: string, capacity: number) => Ring): Rings {
  return {
    telemetry: ring(`/bus/${name}/telemetry`, ringBytes),
    replay: ring(`/bus/${name}/replay`, ringBytes),
  };
}

const compensation: Readonly<Record<string, string>> = {
  write: "Write the value that stood there before: the ticket has it",
  poll: "Nothing: it only looks",
  note: "Nothing: it tells",
  hello: "Nothing: it tells what is",
  claim: "Nothing: it tells what is",
  running: "Nothing: it tells what is",
  report: "Nothing: it tells what is",
};

const acts = {
  ...Object.fromEntries(
    Object.entries(compensation).map(([op, text]) => [
      op,
      { class: "compensable", compensation: text } as const,
    ]),
  ),
  operate: { class: "irreversible" } as const,
};

/** Files of a bus. */
export function busNodes(t: Build<Buses, Uses>, adapters: Mounted<BusAdapter>, traffic: Traffic): Node {
  const nameOf = ({ params }: Pick<At, "params">): string => params.bus ?? "";
  const adapterOf = (scene: Pick<At, "params">): BusAdapter => {
    const found = adapters.get(nameOf(scene));
    if (!found) throw new Error(`no bus ${nameOf(scene)}`);
    return found;
  };
  const rings = (scene: At): Rings => ringsOf(nameOf(scene), (path, capacity) => scene.ring(path, capacity));
  const info = (scene: At) => busInfo(adapterOf(scene), scene.state.bridges.get(nameOf(scene)));
  return t.dir("One field bus", {
    info: t.text("What it is, and who serves it", { render: (scene) => lineOf(info(scene)), json: info }),
    ctl: t.control("Write a point, ask for readings now, or tell its bridge something", {
      input: BusCommand,
      parse: parseBus,
      undo: "compensable",
      act: ({ op }) => op,
      acts,
      work: ({ op }) => op === "write" || op === "operate",
      // How a write ended is told while the hive drains too.
      outcome: true,
      examples: [
        '{"op":"write","id":"w-1","point":"setpoint","value":21.5,"ttl_s":60}',
        '{"op":"operate","id":"o-1","point":"breaker","value":1}',
        '{"op":"poll"}',
        "the pump is being serviced",
      ],
      decide: decideBus,
    }),
    telemetry: t.stream("What the bus tells, a line each; spooled while its link is offline", {
      source: (scene) => rings(scene).telemetry,
      append: (bytes, scene) => {
        checkTaking(scene.views);
        const adapter = adapterOf(scene);
        const online = () => linkOf(scene.state, nameOf(scene), adapter).state === "online";
        return traffic.take(nameOf(scene), adapter, bytes, { online, rings: rings(scene) });
      },
    }),
    link: t.value("Its link: write online, or offline and why", {
      compensation: "Write what the link is now",
      read: (scene) => {
        const { state, since, reason } = linkOf(scene.state, nameOf(scene), adapterOf(scene));
        return lineOf({ state, since_ms: since, reason: reason === "" ? undefined : reason });
      },
      decide: (text, at) => decideLink(text, at, adapterOf(at)),
    }),
    replay: t.stream("Whatever is written lets the spool pass; a line for each time", {
      source: (scene) => rings(scene).replay,
      append: async (bytes, scene) => {
        checkTaking(scene.views);
        await traffic.replay(nameOf(scene), adapterOf(scene), rings(scene), true);
        return bytes.length;
      },
    }),
    spool: t.text("How much is spooled and may be; its JSON twin has the lines", {
      render: async (scene) => {
        const adapter = adapterOf(scene);
        const all = await traffic.spooled(nameOf(scene), adapter);
        const { entries, bytes } = adapter.spool;
        const sum = all.reduce((before, { payload }) => before + payload.length, 0);
        return lineOf({ entries: all.length, bytes: sum, max_entries: entries, max_bytes: bytes });
      },
      json: async (scene) =>
        (await traffic.spooled(nameOf(scene), adapterOf(scene))).map(({ seq, payload }) => ({
          seq,
          payload: Buffer.from(payload).toString(),
        })),
    }),
    writes: t.text("Writes of the last day, by their last change", {
      render: (scene) =>
        writesOf(scene.state, nameOf(scene))
          .map(([id, one]) => lineOf(writeRow(id, one)))
          .join(""),
      json: (scene) => writesOf(scene.state, nameOf(scene)).map(([id, one]) => writeJson(id, one)),
    }),
    pending: t.text("Those that have not ended, the oldest first", {
      render: (scene) =>
        pendingOf(scene.state, nameOf(scene))
          .map(([id, one]) => lineOf(writeRow(id, one)))
          .join(""),
      json: (scene) => pendingOf(scene.state, nameOf(scene)).map(([id, one]) => writeJson(id, one)),
    }),
    inbox: t.stream("A line for its bridge whenever there is something to do", {
      source: (scene) => scene.ring(`/bus/${nameOf(scene)}/inbox`, ringBytes),
    }),
  });
}
