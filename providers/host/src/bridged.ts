import type { Build, Node, Scene } from "@skep/kernel";
import { checkWorking, fault, queue, type Uses } from "./decide.ts";
import { lineOf } from "./render.ts";
import { Press } from "./schema.ts";
import { emit, type Facet, type Hosts } from "./state.ts";
import { askOf, figureOf, having, namesAt, rowsAt, statusText, wattsOf } from "./tree.ts";
import type { Values } from "./values.ts";

type At = Scene<Hosts, Uses>;
type T = Build<Hosts, Uses>;

/** Bytes of what one file is told at most. */
const mostText = 1024;

/**
 * Things that no agent of ours tells of: a bridge, such as the original's, writes how they are, and reads what is asked of
 * them. Their names by facet; `docker` alone for the facet itself.
 */
export type Bridged = ReadonlyMap<Facet, readonly string[]>;

/** Reads `systemd/web.service`, `k8s/node-1`, `nvidia/0` and `docker`; facets that it does not know are left out. */
export function bridgedOf(words: readonly string[]): Bridged {
  const found = new Map<Facet, string[]>();
  for (const word of words) {
    const [facet = "", ...rest] = word.split("/");
    const names = found.get(facet as Facet) ?? [];
    found.set(facet as Facet, rest.length === 0 ? names : [...names, rest.join("/")]);
  }
  return found;
}

const untold = lineOf({ state: "unknown", reason: "no bridge has told of it yet" });

/** The files of things that are bridged. What an agent of ours has too is the agent's: it tells, and tickets act. */
class Files {
  readonly #t: T;
  readonly #values: Values;

  constructor(t: T, values: Values) {
    this.#t = t;
    this.#values = values;
  }

  #file(
    doc: string,
    facet: Facet,
    param: string,
    of: {
      readonly file: string;
      readonly silent: string;
      readonly read: (scene: At, name: string) => string;
      readonly act?: string;
    },
  ): Node {
    const nameOf = ({ params }: Pick<At, "params">): string => params[param] ?? "";
    const keyOf = (scene: Pick<At, "params">): string => `${facet}/${nameOf(scene)}/${of.file}`;
    return this.#t.value(doc, {
      read: (scene) => {
        if (having(scene, facet, nameOf(scene)).length > 0) return of.read(scene, nameOf(scene));
        const text = scene.state.told.get(keyOf(scene));
        return text === undefined ? of.silent : `${text}\n`;
      },
      decide: (text, at) => {
        checkWorking(at.views);
        const hosts = having(at, facet, nameOf(at));
        if (hosts.length > 0 && of.act === undefined) throw fault.agents(nameOf(at) || facet);
        if (hosts.length > 0 && of.act !== undefined)
          return queue(this.#ask(of.act, nameOf(at), at, text), at);
        const line = text.trimEnd();
        if (Buffer.byteLength(line) > mostText || line.includes("\n")) throw fault.text(`${mostText} bytes`);
        return { events: [emit("told@1", { key: keyOf(at), text: line })] };
      },
    });
  }

  #ask(act: string, name: string, at: Pick<At, "params"> & { next: number }, text: string) {
    const asked = askOf(act, name, at, Press.parse({}));
    return act === "nvidia.power_cap" ? { ...asked, params: { watts: wattsOf(text) } } : asked;
  }

  status(facet: Facet, param = ""): Node {
    const read = (scene: At, name: string) => rowsAt(scene, facet, name, this.#values).map(lineOf).join("");
    return this.#file("How it is, as a bridge or an agent told last", facet, param, {
      file: "status",
      silent: untold,
      read,
    });
  }

  press(doc: string, act: string, param: string): Node {
    const [facet, file = ""] = act.split(".") as [Facet, string];
    return this.#file(
      `${doc}: a line is kept for the bridge, or makes a ticket for the agent`,
      facet,
      param,
      {
        ...{ file, act, silent: "" },
        read: () => "",
      },
    );
  }

  figure(doc: string, facet: Facet, param: string, field: string, file: string, act?: string): Node {
    return this.#file(doc, facet, param, {
      ...{ file, silent: untold },
      read: (scene) => figureOf(scene, facet, this.#values, param, field),
      ...(act === undefined ? {} : { act }),
    });
  }
}

/** The directories of all hosts where some of their things are bridged. */
export function bridgedNodes(
  t: T,
  values: Values,
  bridged: Bridged,
  plain: Record<Facet, Node>,
): Record<Facet, Node> {
  const files = new Files(t, values);
  const hasAgents = ({ state }: At): boolean => state.hosts.size > 0;
  const ofFacet = (facet: Facet): readonly string[] => bridged.get(facet) ?? [];
  const overall = (facet: Facet): Node =>
    statusText(t, facet, "Whether agents see it, how often they look, or why not", values, {
      visible: hasAgents,
    });
  const things = (facet: Facet, param: string, doc: string, of: Record<string, Node>, beside = {}): Node =>
    t.each(
      doc,
      param,
      {
        entries: beside,
        list: (scene) => new Set([...ofFacet(facet), ...namesAt(scene, facet)]),
        has: (name, scene) => ofFacet(facet).includes(name) || having(scene, facet, name).length > 0,
      },
      t.dir("One of them", of),
    );
  const made: Partial<Record<Facet, () => Node>> = {
    systemd: () =>
      things(
        "systemd",
        "unit",
        "Services",
        {
          status: files.status("systemd", "unit"),
          restart: files.press("Restart it", "systemd.restart", "unit"),
        },
        { status: overall("systemd") },
      ),
    docker: () =>
      things(
        "docker",
        "container",
        "Containers",
        {
          status: files.status("docker", "container"),
          restart: files.press("Restart it", "docker.restart", "container"),
        },
        { status: files.status("docker") },
      ),
    k8s: () =>
      t.dir("The cluster", {
        node: things("k8s", "node", "Its nodes", {
          status: files.status("k8s", "node"),
          cordon: files.press("Let no new pods on it", "k8s.cordon", "node"),
          drain: files.press("Cordon it and evict its pods", "k8s.drain", "node"),
        }),
      }),
    nvidia: () =>
      t.dir("NVIDIA GPUs", {
        gpu: things("nvidia", "gpu", "By their index", {
          status: files.status("nvidia", "gpu"),
          power_cap: files.figure(
            "Most power it may draw, watts",
            ...(["nvidia", "gpu", "power_cap", "power_cap", "nvidia.power_cap"] as const),
          ),
          thermal: files.figure(
            "Its temperature, degrees Celsius",
            ...(["nvidia", "gpu", "temperature_c", "thermal"] as const),
          ),
        }),
      }),
  };
  const chosen = Object.entries(made).filter(([facet]) => bridged.has(facet as Facet));
  return { ...plain, ...Object.fromEntries(chosen.map(([facet, make]) => [facet, make()])) };
}
