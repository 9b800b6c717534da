import {
  type Build,
  defineProvider,
  type EventMeta,
  type Node,
  type Provider,
  type ProviderSpec,
  type Runtime,
} from "@skep/kernel";
import { Access, type Uses } from "./access.ts";
import { type BusAdapter, type LoraAdapter, mountNames } from "./adapters.ts";
import { busNodes, ringBytes, ringsOf } from "./bus-nodes.ts";
import { expireWrites, linkOf, nextWrite } from "./decide.ts";
import { loraNodes } from "./lora-nodes.ts";
import { expireFrames, nextFrame, Tampers } from "./lora.ts";
import { type Buses, type Ended, events, type FrameTold, initial, type LinkState } from "./state.ts";
import { type OpenSpool, Traffic } from "./traffic.ts";

/** What the app passes in. */
export interface BusesDeps {
  readonly buses: readonly BusAdapter[];
  readonly radios: readonly LoraAdapter[];
  readonly openSpool: OpenSpool;
}

type Linked = Pick<LinkState, "state" | "reason"> & { readonly adapter: string };
type Granted = { readonly n: number; readonly radio: string; readonly at: number; readonly payload: string };

const earliestOf = (...times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

const queenLog = "/log/queen.log";
const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** What events mean for streams and the log; `replay` lets the spool of a bus pass. */
function notifyWith(
  replay: (bus: string, runtime: Runtime) => void,
): NonNullable<ProviderSpec<Buses, Uses>["notify"]> {
  const inbox = (name: string, runtime: Runtime) => runtime.ring(`/bus/${name}/inbox`, ringBytes);
  return {
    "linked@1": ({ adapter, state, reason }: Linked, _meta: EventMeta, runtime) => {
      runtime.log(`bus ${adapter} link=${state}${reason === "" ? "" : ` reason=${JSON.stringify(reason)}`}`);
      if (state === "online") replay(adapter, runtime);
    },
    "asked@1": ({ id, bus }: { id: string; bus: string }, { seq }, runtime) =>
      void inbox(bus, runtime).append(line({ n: seq, ticket: id })),
    "noted@1": (
      { adapter, op, text }: { adapter: string; op: string; text: string },
      { seq }: EventMeta,
      runtime,
    ) =>
      void inbox(adapter, runtime).append(
        line(op === "poll" ? { n: seq, poll: true } : { n: seq, note: text }),
      ),
    "ended@1": ({ id, state: ended, reason }: Ended, _meta, runtime, state) =>
      runtime.log(
        `bus-write ${ended} id=${id} bus=${state.writes.get(id)?.bus}${reason === "" ? "" : ` reason=${JSON.stringify(reason)}`}`,
      ),
    "told@1": ({ n, radio, state: ended, reason }: FrameTold, _meta, runtime) => {
      if (ended !== "sent")
        runtime.log(`lora-send ${ended} n=${n} radio=${radio} reason=${JSON.stringify(reason)}`);
    },
    "granted@1": ({ n, radio, at, payload }: Granted, _meta, runtime) => {
      const bytes = Buffer.from(payload, "base64");
      const isText = Buffer.from(bytes.toString("utf8")).equals(bytes) && !bytes.includes(10);
      const shown = isText ? bytes : Buffer.from(`b64:${payload}`);
      runtime.ring(`/lora/${radio}/telemetry`, ringBytes).append(Buffer.concat([shown, Buffer.from("\n")]));
      runtime.ring(`/lora/${radio}/inbox`, ringBytes).append(line({ n, at_ms: at, b64: payload }));
    },
  };
}

/** `/bus` and `/lora`: field buses and radios, as the configuration mounts them. */
export function busesProvider(deps: BusesDeps): Provider {
  const buses = mountNames(deps.buses);
  const radios = mountNames(deps.radios);
  const traffic = new Traffic(deps.openSpool);
  const tampers = new Tampers(radios);
  let live: Runtime | undefined;
  // Without the mark of the hive's own lines: clients of the original look for it among those that have none.
  const access = new Access((text) => void live?.ring(queenLog, ringBytes).append(Buffer.from(`${text}\n`)));
  const replay = (name: string, runtime: Runtime): void => {
    const adapter = buses.get(name);
    if (adapter?.replay !== "auto") return;
    traffic
      .replay(
        name,
        adapter,
        ringsOf(name, (path, capacity) => runtime.ring(path, capacity)),
        false,
      )
      .catch((error) => runtime.log(`bus ${name}: its spool cannot be replayed: ${error}`));
  };
  return defineProvider<Buses, Uses>({
    name: "buses",
    doc: "Field buses and radios",
    uses: ["kernel"],
    initial,
    events,
    recorded: (record) => tampers.recorded(record),
    opened: (state, runtime) => {
      live = runtime;
      // A cut between the link's return and the replay left them.
      for (const [name, adapter] of buses)
        if (linkOf(state, name, adapter).state === "online") replay(name, runtime);
    },
    tick: {
      next: (state) => earliestOf(nextWrite(state), nextFrame(state), tampers.next(state)),
      decide: (at) => {
        const all = [...expireWrites(at), ...expireFrames(at), ...tampers.events(at.state)];
        return all.length === 0 ? undefined : { events: all };
      },
    },
    notify: notifyWith(replay),
    touches: {
      "linked@1": ({ adapter }: { adapter: string }) => `/bus/${adapter}/link`,
      "asked@1": ({ bus }: { bus: string }) => [`/bus/${bus}/writes`, `/bus/${bus}/pending`],
      "granted@1": ({ radio }: { radio: string }) => `/lora/${radio}/schedule`,
      "told@1": ({ radio }: { radio: string }) => [`/lora/${radio}/schedule`, `/lora/${radio}/outcomes`],
      "tampered@1": ({ radio }: { radio: string }) => `/lora/${radio}/tamper`,
    },
    mounts: (t: Build<Buses, Uses>): Record<string, Node> => ({
      "/bus": t.each(
        "Field buses",
        "bus",
        {
          visible: () => buses.size > 0,
          list: ({ caller, now }) => access.names("bus", buses, caller, now),
          has: (name, { caller, now }) => {
            access.check("bus", caller, now);
            return access.sees("bus", name, buses.get(name), caller);
          },
        },
        busNodes(t, buses, traffic),
      ),
      "/lora": t.each(
        "Radios",
        "radio",
        {
          visible: () => radios.size > 0,
          list: ({ caller, now }) => access.names("lora", radios, caller, now),
          has: (name, { caller, now }) => {
            access.check("lora", caller, now);
            return access.sees("lora", name, radios.get(name), caller);
          },
        },
        loraNodes(t, radios),
      ),
    }),
  });
}
