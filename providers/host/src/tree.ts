import type { Build, Node, Scene } from "@skep/kernel";
import { type Asked, fault, queue, type Uses } from "./decide.ts";
import { lineOf, valueRow } from "./render.ts";
import { Press, type PressLine } from "./schema.ts";
import type { Facet, Hosts } from "./state.ts";
import type { Values } from "./values.ts";

type At = Scene<Hosts, Uses>;
type T = Build<Hosts, Uses>;

/** Hosts that a path is about: the one that it names, or all. */
function hostsAt({ state, params }: Pick<At, "state" | "params">): string[] {
  return params.host === undefined ? [...state.hosts.keys()] : [params.host];
}

export function namesAt(scene: At, facet: Facet): string[] {
  const found = new Set<string>();
  for (const host of hostsAt(scene))
    for (const name of scene.state.names.get(`${host}/${facet}`) ?? []) found.add(name);
  return [...found].sort();
}

export function having(scene: At, facet: Facet, name: string): string[] {
  const hosts = hostsAt(scene);
  return name === ""
    ? hosts
    : hosts.filter((host) => scene.state.names.get(`${host}/${facet}`)?.includes(name));
}

export function rowsAt(scene: At, facet: Facet, name: string, values: Values) {
  return having(scene, facet, name).map((host) =>
    valueRow(scene.params.host === undefined ? host : undefined, values.of(host, facet, name, scene.now)),
  );
}

export function statusText(
  t: T,
  facet: Facet,
  doc: string,
  values: Values,
  of: { readonly param?: string; readonly visible?: (scene: At) => boolean } = {},
): Node {
  const { param, visible } = of;
  const nameOf = ({ params }: At): string => (param === undefined ? "" : (params[param] ?? ""));
  return t.text(doc, {
    ...(visible && { visible }),
    render: (scene) => rowsAt(scene, facet, nameOf(scene), values).map(lineOf).join(""),
    json: (scene) => rowsAt(scene, facet, nameOf(scene), values),
  });
}

/** One field of a thing, as a number or a word; of several hosts with their names. */
function figure(t: T, facet: Facet, doc: string, values: Values, param: string, field: string): Node {
  return t.text(doc, { render: (scene) => figureOf(scene, facet, values, param, field) });
}

export function figureOf(scene: At, facet: Facet, values: Values, param: string, field: string): string {
  const name = scene.params[param] ?? "";
  const hosts = having(scene, facet, name);
  return hosts
    .map((host) => {
      const { fields, reason } = values.of(host, facet, name, scene.now);
      const shown = fields[field] ?? `unknown reason=${JSON.stringify(reason ?? "it does not tell")}`;
      return hosts.length > 1 ? `host=${host} ${field}=${shown}\n` : `${shown}\n`;
    })
    .join("");
}

export function askOf(
  action: string,
  target: string,
  { params, next }: Pick<At, "params"> & { next: number },
  line: PressLine,
): Asked {
  const id = line.id ?? `p-${next}`;
  const key = line.idempotency_key ?? id;
  return { id, key, action, host: params.host, target, params: {}, ttl: line.ttl_s * 1000 };
}

/** A file of a target: whatever line is written becomes a ticket. */
function press(t: T, doc: string, action: string, param: string): Node {
  return t.control(`${doc}: any line makes a ticket`, {
    input: Press,
    undo: "compensable",
    act: () => action,
    acts: { [action]: { class: "compensable", compensation: compensation[action] ?? "Look at the target" } },
    parse: (line) => (line.startsWith("{") ? JSON.parse(line) : { word: line }),
    work: true,
    examples: ["now", '{"id":"t-17","ttl_s":60}'],
    decide: (line, at) => queue(askOf(action, at.params[param] ?? "", at, line), at),
  });
}

/** What sets right what a ticket did. */
export const compensation: Readonly<Record<string, string>> = {
  "systemd.start": "Stop it",
  "systemd.stop": "Start it",
  "systemd.restart": "Look at the service",
  "docker.start": "Stop it",
  "docker.stop": "Start it",
  "docker.restart": "Look at the container",
  "k8s.cordon": "Uncordon it",
  "k8s.uncordon": "Cordon it",
  "k8s.drain": "Uncordon it; its pods are placed anew",
  "k8s.lease": "Wait until it ends, or take it with the same holder",
  "nvidia.power_cap": "Set it as it was",
  "gpu.lease.grant": "Release it",
  "gpu.lease.renew": "Release it",
  "gpu.lease.release": "Grant another",
  "peft.import": "Retire the model",
  "peft.activate": "Roll back",
  "peft.rollback": "Activate what was active",
  "update.apply": "Roll back there: update.rollback",
  "update.rollback": "Roll back again, to the version that ran",
};

function things(
  t: T,
  facet: Facet,
  param: string,
  doc: string,
  files: Readonly<Record<string, Node>>,
  beside: Readonly<Record<string, Node>> = {},
): Node {
  return t.each(
    doc,
    param,
    {
      entries: beside,
      list: (scene) => namesAt(scene, facet),
      has: (name, scene) => having(scene, facet, name).length > 0,
    },
    t.dir("One of them", files),
  );
}

// Throws `host.params`.
export function wattsOf(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text.trim())) throw fault.params("write whole watts");
  return Number(text);
}

function powerCap(t: T, values: Values): Node {
  return t.value("Most power it may draw, watts; a number that is written makes a ticket", {
    compensation: "Write the former number: that is a ticket too",
    read: (scene) => figureOf(scene, "nvidia", values, "gpu", "power_cap"),
    decide: (text, at) => {
      const asked = askOf("nvidia.power_cap", at.params.gpu ?? "", at, Press.parse({}));
      return queue({ ...asked, params: { watts: wattsOf(text) } }, at);
    },
  });
}

/** The directories of services, containers, nodes, GPUs and links: of one host below its name, else of all. */
export function facetNodes(t: T, values: Values): Record<Facet, Node> {
  const overall = (facet: Facet) =>
    statusText(t, facet, "Whether it is seen, how often it is looked at, or why not", values);
  const one = (facet: Facet, param: string) =>
    statusText(t, facet, "How it is; unknown with its reason", values, { param });
  return {
    systemd: things(
      t,
      "systemd",
      "unit",
      "Services",
      {
        status: one("systemd", "unit"),
        start: press(t, "Start it", "systemd.start", "unit"),
        stop: press(t, "Stop it", "systemd.stop", "unit"),
        restart: press(t, "Restart it", "systemd.restart", "unit"),
      },
      { status: overall("systemd") },
    ),
    docker: things(
      t,
      "docker",
      "container",
      "Containers",
      {
        status: one("docker", "container"),
        start: press(t, "Start it", "docker.start", "container"),
        stop: press(t, "Stop it", "docker.stop", "container"),
        restart: press(t, "Restart it", "docker.restart", "container"),
      },
      { status: overall("docker") },
    ),
    k8s: t.dir("The cluster", {
      status: overall("k8s"),
      node: things(t, "k8s", "node", "Its nodes", {
        status: one("k8s", "node"),
        cordon: press(t, "Let no new pods on it", "k8s.cordon", "node"),
        uncordon: press(t, "Let pods on it again", "k8s.uncordon", "node"),
        drain: press(t, "Cordon it and evict its pods", "k8s.drain", "node"),
      }),
    }),
    nvidia: t.dir("NVIDIA GPUs", {
      status: overall("nvidia"),
      gpu: things(t, "nvidia", "gpu", "By their index", {
        status: one("nvidia", "gpu"),
        power_cap: powerCap(t, values),
        thermal: figure(t, "nvidia", "Its temperature, degrees Celsius", values, "gpu", "temperature_c"),
      }),
    }),
    net: things(
      t,
      "net",
      "link",
      "Network links",
      { status: one("net", "link") },
      { status: overall("net") },
    ),
  };
}
