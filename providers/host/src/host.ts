import {
  type Build,
  defineProvider,
  type EventMeta,
  type Node,
  type Provider,
  type Runtime,
  type Scene,
} from "@skep/kernel";
import { checkWorking, decideAgent, decideSpec, expire, nextDue, type Uses } from "./decide.ts";
import { isDead, lineOf, pendingOf, ticketJson, ticketRow } from "./render.ts";
import { Command, HostName, Spec } from "./schema.ts";
import { type Ended, events, facets, type Hosts, initial, type Ticket } from "./state.ts";
import { bridgedNodes, bridgedOf } from "./bridged.ts";
import { compensation, facetNodes } from "./tree.ts";
import { Values } from "./values.ts";

type At = Scene<Hosts, Uses>;
type T = Build<Hosts, Uses>;

const inboxBytes = 16 * 1024;

const acts = Object.fromEntries(
  Object.entries(compensation).map(([name, text]) => [
    name,
    { class: "compensable", compensation: text } as const,
  ]),
);

function ticketList(t: T, doc: string, keeps: (ticket: Ticket) => boolean): Node {
  const found = ({ state }: At): [string, Ticket][] =>
    [...state.tickets.entries()].filter(([, one]) => keeps(one));
  return t.text(doc, {
    render: (scene) =>
      found(scene)
        .map(([id, ticket]) => lineOf(ticketRow(id, ticket)))
        .join(""),
    json: (scene) => found(scene).map(([id, ticket]) => ticketJson(id, ticket)),
  });
}

function tickets(t: T): Node {
  return t.dir("Acts on hosts, each done at most once", {
    spec: t.control("Queue an act on a host, or drive one again that failed; one JSON object per line", {
      input: Spec,
      undo: "compensable",
      act: (line) => ("op" in line ? line.op : line.action),
      acts: {
        ...acts,
        "systemd.status": { class: "compensable", compensation: "Nothing: it only looks" },
        "docker.status": { class: "compensable", compensation: "Nothing: it only looks" },
        redrive: { class: "compensable", compensation: "As for the act itself" },
      },
      work: true,
      examples: [
        '{"schema":"host-ticket/v1","id":"t-17","idempotency_key":"deploy-4","action":"systemd.restart","host":"alpha","target":"nginx.service"}',
        '{"id":"cap-1","action":"nvidia.power_cap","host":"alpha","target":"0","params":{"watts":200}}',
        '{"op":"redrive","id":"t-17"}',
      ],
      decide: decideSpec,
    }),
    status: ticketList(t, "Tickets of the last day, by their last change, one line each", () => true),
    deadletter: ticketList(t, "Those that did not succeed, and why", isDead),
  });
}

function hostNode(t: T, values: Values): Node {
  return t.dir("One host", {
    info: t.text("Its agent, and what its allow-list lets happen there", {
      render: ({ state, params }) => {
        const { incarnation, version, since, allows } = state.hosts.get(params.host ?? "") ?? nobody;
        return (
          lineOf({ version, incarnation, since_ms: since }) + allows.map((one) => `allows ${one}\n`).join("")
        );
      },
      json: ({ state, params }) => ({ ...(state.hosts.get(params.host ?? "") ?? nobody) }),
    }),
    ctl: t.control("What the host's agent says: hello, names, claim, running, report", {
      input: Command,
      undo: "compensable",
      act: ({ op }) => op,
      acts: Object.fromEntries(
        ["hello", "names", "claim", "running", "report"].map((op) => [
          op,
          { class: "compensable", compensation: "Nothing: it tells what is" } as const,
        ]),
      ),
      // How an act ended is told while the hive drains too.
      outcome: true,
      examples: ['{"op":"claim","incarnation":"0123456789abcdef","ticket":"t-17"}'],
      decide: decideAgent,
    }),
    publish: t.stream("What its agent tells of its things, one JSON object per line; kept in memory", {
      source: (scene) => scene.ring(publishOf(scene.params.host ?? ""), inboxBytes),
      append: (bytes, scene) => {
        checkWorking(scene.views);
        values.take(scene.params.host ?? "", bytes, scene.now);
        scene.ring(publishOf(scene.params.host ?? ""), inboxBytes).append(Buffer.from(bytes));
        return bytes.length;
      },
    }),
    inbox: t.stream("A line for each ticket that is queued for it", {
      source: (scene) => scene.ring(inboxOf(scene.params.host ?? ""), inboxBytes),
    }),
    pending: t.text("Its tickets that have not ended, the oldest first", {
      render: ({ state, params }) =>
        pendingOf(state, params.host ?? "")
          .map(([id, ticket]) => lineOf(ticketRow(id, ticket)))
          .join(""),
      json: ({ state, params }) =>
        pendingOf(state, params.host ?? "").map(([id, ticket]) => ticketJson(id, ticket)),
    }),
    names: t.text("What it has of services, containers, nodes, GPUs and links", {
      render: (scene) =>
        Object.entries(namesOf(scene))
          .flatMap(([facet, names]) => names.map((name) => lineOf({ facet, name })))
          .join(""),
      json: namesOf,
    }),
    ...facetNodes(t, values),
  });
}

const nobody = { incarnation: "", version: "", since: 0, allows: [] as readonly string[] };
const publishOf = (host: string): string => `/host/${host}/publish`;
const inboxOf = (host: string): string => `/host/${host}/inbox`;

function namesOf({ state, params }: At): Record<string, readonly string[]> {
  return Object.fromEntries(facets.map((facet) => [facet, state.names.get(`${params.host}/${facet}`) ?? []]));
}

function tell(state: Hosts, runtime: Runtime, id: string): void {
  const ticket = state.tickets.get(id);
  if (ticket)
    runtime
      .ring(inboxOf(ticket.host), inboxBytes)
      .append(Buffer.from(`{"n":${ticket.n},"ticket":"${id}"}\n`));
}

/** What the app passes in. */
export interface HostDeps {
  /**
   * Things of `/host` that a bridge of the original tells of and reads what is asked of: `systemd/ssh.service`,
   * `k8s/node-1`, `nvidia/0`, `docker`.
   */
  readonly bridged?: readonly string[];
}

/** `/host`: machines that already run other things, and tickets for acts on them. */
export function hostProvider({ bridged = [] }: HostDeps = {}): Provider {
  const values = new Values();
  const facetsOf = (t: T) => {
    const plain = facetNodes(t, values);
    return bridged.length === 0 ? plain : bridgedNodes(t, values, bridgedOf(bridged), plain);
  };
  const queued = ({ id }: { id: string }, _meta: EventMeta, runtime: Runtime, state: Hosts): void => {
    tell(state, runtime, id);
    const { action = "", host = "", target = "" } = state.tickets.get(id) ?? {};
    runtime.log(`host-ticket queued ${lineOf({ id, action, host, target }).trimEnd()}`);
  };
  return defineProvider<Hosts, Uses>({
    name: "host",
    doc: "Machines that already run other things",
    uses: ["kernel"],
    initial,
    events,
    tick: { next: nextDue, decide: expire },
    notify: {
      "queued@1": queued,
      "redriven@1": queued,
      "ended@1": ({ id, state: ended, reason }: Ended, _meta, runtime) =>
        runtime.log(
          `host-ticket ${ended} ${lineOf({ id, reason: reason === "" ? undefined : reason }).trimEnd()}`,
        ),
    },
    touches: {
      "queued@1": ({ host }: { host: string }) => ["/host/tickets", `/host/${host}/pending`],
      "ended@1": () => "/host/tickets",
    },
    mounts: (t) => ({
      "/host": t.each(
        "Hosts, and what they all have",
        "host",
        {
          list: ({ state, caller }) =>
            [...state.hosts.keys()].filter((host) => caller.reaches(`/host/${host}`)),
          // One begins with its agent's hello, for whoever may say it.
          has: (name, { state, caller }) =>
            state.hosts.has(name) ||
            (HostName.safeParse(name).success && caller.may(`/host/${name}/ctl`, "write")),
          entries: { tickets: tickets(t), ...facetsOf(t) },
        },
        hostNode(t, values),
      ),
    }),
  });
}
