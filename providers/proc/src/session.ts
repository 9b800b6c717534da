import type { Build, Json, Node, Scene } from "@skep/kernel";
import { escapeForeign, printJson } from "@skep/text";
import type { ProcDeps, ProcSession, Uses } from "./deps.ts";

type At = Scene<null, Uses>;

// A session sees itself; whoever operates the hive sees all. What may not be seen is absent.
function seen(deps: ProcDeps, name: string, { caller }: At): ProcSession | undefined {
  const id = name === "self" ? caller.session : name;
  return id === caller.session || caller.role === "queen" ? deps.sessions().get(id) : undefined;
}

function names(deps: ProcDeps, { caller }: At): Iterable<string> {
  const all = deps.sessions();
  const own = all.has(caller.session) ? ["self"] : [];
  if (caller.role === "queen") return [...own, ...all.keys()];
  return own.length > 0 ? [...own, caller.session] : own;
}

/** Names that a mount lists: to look at all files of a session costs its client forty requests. */
const mostBriefly = 8;

/** All names where they are few, else the caller's own and the sessions that came last. */
function brief(deps: ProcDeps, scene: At): readonly string[] {
  const all = [...names(deps, scene)];
  if (all.length <= mostBriefly) return all;
  const own = ["self", scene.caller.session].filter((name) => all.includes(name));
  const others = all.filter((name) => !own.includes(name));
  return [...own, ...others.slice(own.length - mostBriefly)];
}

// All that are there at the first row, however much later the last one is asked for.
function* rows(deps: ProcDeps, scene: At): Generator<Json> {
  const all = deps.sessions();
  const shown = [...names(deps, scene)].filter((name) => name !== "self").slice(-10_000);
  for (const [id, session] of shown.map((id) => [id, all.get(id)] as const)) {
    if (!session) continue;
    const { state, subject, caller, edge, since } = session;
    yield { id, state, subject, role: caller.role, edge, since };
  }
}

const wire = (value: string): string => escapeForeign(value, { form: "wire" });

function spaceLine({ from, to, service }: NonNullable<ProcSession["ns"]>[number]): string {
  const way = `from=${wire(from)} to=${wire(to)}`;
  return service === undefined ? `bind ${way}\n` : `mount service=${wire(service)} ${way}\n`;
}

/** `/proc/9p/session/<id>`, `self` included. */
export function sessionNode(t: Build<null, Uses>, deps: ProcDeps): Node {
  const field = (doc: string, name: string, of: (session: ProcSession) => string | number) => {
    const value = (scene: At): string | number => {
      const session = seen(deps, scene.params.session ?? "", scene);
      return session ? of(session) : "";
    };
    return t.text(doc, {
      render: (scene) => `${name}=${escapeForeign(String(value(scene)), { form: "wire" })}\n`,
      json: (scene) => ({ [name]: value(scene) }),
    });
  };
  const answers = (scene: At): readonly object[] =>
    seen(deps, scene.params.session ?? "", scene)?.answers ?? [];
  const refusal = (scene: At): object | undefined => seen(deps, scene.params.session ?? "", scene)?.refusal;
  const spaceOf = (scene: At) => seen(deps, scene.params.session ?? "", scene)?.ns ?? [];
  return t.each(
    "Sessions that are attached; `self` is the caller's own",
    "session",
    {
      list: (scene) => names(deps, scene),
      brief: (scene) => brief(deps, scene),
      rows: (scene) => rows(deps, scene),
      has: (name, scene) => seen(deps, name, scene) !== undefined,
    },
    t.dir("One session", {
      state: field("SETUP, ACTIVE, DRAINING or CLOSED", "state", ({ state }) => state),
      subject: field("Whose ticket it is", "subject", ({ subject }) => subject),
      role: field("The role in its ticket", "role", ({ caller }) => caller.role),
      edge: field("The edge it came through", "edge", ({ edge }) => edge),
      since: field("When it attached, milliseconds since 1970", "since_ms", ({ since }) => since),
      answers: t.text("The last 16 answers to its commands, one JSON object per line, newest last", {
        render: (scene) =>
          answers(scene)
            .map((answer) => `${printJson(answer)}\n`)
            .join(""),
        json: (scene) => [...answers(scene)] as unknown as Json,
      }),
      ns: t.text("Places that were bound or mounted in this session, one line each", {
        render: (scene) => spaceOf(scene).map(spaceLine).join(""),
        json: (scene) => spaceOf(scene).map((bound) => ({ ...bound })),
      }),
      refusal: t.text("The last refusal that 9P told as an errno: kind, code, message and next step", {
        render: (scene) => {
          const last = refusal(scene);
          return last ? `${printJson(last)}\n` : "";
        },
        json: (scene) => (refusal(scene) ?? null) as unknown as Json,
      }),
    }),
  );
}
