import { type Build, defineProvider, type Node, type Provider, type Scene } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import type { ProcDeps, ProcSession, Uses } from "./deps.ts";
import { sessionNode } from "./session.ts";

export type { LoopFigures, ProcDeps, ProcSession } from "./deps.ts";

type At = Scene<null, Uses>;
type Values = Readonly<Record<string, string | number>>;

const clean = (value: string | number): string => escapeForeign(String(value), { form: "wire" });

/** `name=value` pairs, on one line or one each, with the same as JSON. */
function pairs(
  t: Build<null, Uses>,
  doc: string,
  of: (scene: At) => Values,
  between = "\n",
  cbor = false,
): Node {
  return t.text(doc, {
    cbor,
    render: (scene) =>
      `${Object.entries(of(scene))
        .map(([name, value]) => `${name}=${clean(value)}`)
        .join(between)}\n`,
    json: (scene) => ({ ...of(scene) }),
  });
}

function boot(t: Build<null, Uses>, deps: ProcDeps): Node {
  const facts = ({ views }: At): Values => {
    const { id, name } = views.kernel.hive.get();
    return {
      hive: id,
      name,
      version: deps.version,
      node: deps.node,
      epoch: views.kernel.epoch.get(),
      since_ms: views.kernel.lifecycle.get().since,
      ...deps.manifest?.(),
    };
  };
  return t.text("What this hive is, what is on, and what its operator should know", {
    render: (scene) => {
      const lines = Object.entries(facts(scene)).map(([name, value]) => `${name}=${clean(value)}`);
      for (const [edge, where] of Object.entries(deps.edges()))
        lines.push(`edge=${clean(edge)} at=${clean(where)}`);
      for (const warning of deps.warnings()) lines.push(`warning: ${clean(warning)}`);
      return `${lines.join("\n")}\n`;
    },
    json: (scene) => ({ ...facts(scene), edges: { ...deps.edges() }, warnings: [...deps.warnings()] }),
  });
}

function lifecycle(t: Build<null, Uses>): Node {
  const now = ({ views }: At) => views.kernel.lifecycle.get();
  return t.dir("The state of the hive", {
    state: pairs(t, "BOOTING, ONLINE, DEGRADED, DRAINING or QUIESCED", (at) => ({ state: now(at).state })),
    reason: pairs(t, "Why it is in this state", (at) => ({ reason: now(at).reason })),
    since: pairs(t, "Since when, milliseconds since 1970", (at) => ({ since_ms: now(at).since })),
    clock: pairs(t, "Whether the wall clock is trusted", (at) => ({ clock: now(at).clock })),
  });
}

function pressure(t: Build<null, Uses>, deps: ProcDeps): Node {
  const count = (reason: "busy" | "quota" | "cut" | "policy") =>
    pairs(t, `Refusals for the reason ${reason} since the start`, () => ({
      [reason]: deps.pressure()[reason],
    }));
  return t.dir("Refusals since the start, by reason", {
    busy: count("busy"),
    quota: count("quota"),
    cut: count("cut"),
    policy: count("policy"),
  });
}

function counted(sessions: Iterable<ProcSession>): { active: number; draining: number } {
  const counts = { active: 0, draining: 0 };
  for (const { state } of sessions) {
    if (state === "ACTIVE") counts.active += 1;
    if (state === "DRAINING") counts.draining += 1;
  }
  return counts;
}

function loop(t: Build<null, Uses>, deps: ProcDeps): Node {
  return pairs(t, "How long pieces of work held the event loop", () => {
    const { samples, p50, p99, max, recentMax, recentOwn } = deps.loop();
    return {
      samples,
      p50_ms: p50,
      p99_ms: p99,
      max_ms: max,
      recent_max_ms: recentMax,
      recent_own_max_ms: recentOwn,
    };
  });
}

/** `/proc/{boot,lifecycle,pressure,9p}`: what the running hive tells of itself. */
export function procProvider(deps: ProcDeps): Provider {
  return defineProvider<null, Uses>({
    name: "proc",
    doc: "What the running hive tells of itself",
    journalled: false,
    uses: ["kernel"],
    initial: () => null,
    events: {},
    mounts: (t) => ({
      "/proc": t.dir("What the running hive tells of itself", {
        boot: boot(t, deps),
        lifecycle: lifecycle(t),
        pressure: pressure(t, deps),
      }),
      "/proc/9p": t.dir("Sessions and their requests", {
        sessions: pairs(
          t,
          "How many sessions there are",
          () => ({ total: deps.sessions().size, ...counted(deps.sessions().values()) }),
          " ",
          true,
        ),
        outstanding: pairs(
          t,
          "Requests without an answer, and records that wait for the disk",
          () => ({ outstanding: deps.ninep().outstanding, undurable: deps.undurable() }),
          " ",
          true,
        ),
        short_writes: pairs(
          t,
          "Writes that were taken in part since the start",
          () => ({ short_writes: deps.ninep().shortWrites }),
          "\n",
          true,
        ),
        loop: loop(t, deps),
        session: sessionNode(t, deps),
      }),
      "/proc/9p/session/active": pairs(
        t,
        "How many sessions are active and draining",
        () => counted(deps.sessions().values()),
        " ",
      ),
    }),
  });
}
