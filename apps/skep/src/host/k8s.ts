import { readFileSync } from "node:fs";
import { request as plain } from "node:http";
import { request as secure } from "node:https";
import { type Clock, delay } from "@skep/clock";
import { z } from "zod";
import { fault } from "./faults.ts";
import type { Act, Done, Evidence, HostProvider, Thing } from "./provider.ts";

/** How the API of a cluster is reached. */
export interface ClusterOptions {
  readonly api: string;
  /** File of a service account's token; read each time, because it is renewed. */
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly everyMs: number;
  readonly clock: Clock;
}

const mark = "skep.dev/drain";
const mostAnswer = 64 * 1024 * 1024;
const patienceMs = 15_000;
/** What a budget of disruptions forbids now is asked for again after so long, milliseconds. */
const againMs = 2000;

const Condition = z.object({ type: z.string(), status: z.string() });
const Node = z.object({
  metadata: z.object({
    name: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.object({ unschedulable: z.boolean().optional() }).optional(),
  status: z
    .object({
      conditions: z.array(Condition).optional(),
      nodeInfo: z.object({ kubeletVersion: z.string() }).optional(),
    })
    .optional(),
});
const Pod = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(z.object({ kind: z.string() })).optional(),
  }),
  spec: z.object({ nodeName: z.string().optional() }).optional(),
  status: z.object({ phase: z.string().optional() }).optional(),
});
type Node = z.output<typeof Node>;
type Pod = z.output<typeof Pod>;
const Nodes = z.object({ items: z.array(Node) });
const Pods = z.object({ items: z.array(Pod) });

interface Answer {
  readonly status: number;
  readonly text: string;
}

// Those stay on a drained node: one of each node, and what the node itself keeps.
const stays = ({ metadata, status }: Pod): boolean =>
  metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet") === true ||
  metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined ||
  status?.phase === "Succeeded" ||
  status?.phase === "Failed";

/** Nodes of a Kubernetes cluster, through its API. */
export class Cluster implements HostProvider {
  readonly facet = "k8s";
  readonly settleMs = 0;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get everyMs(): number {
    return this.#options.everyMs;
  }

  #ask(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: object,
    type = "application/json",
  ): Promise<Answer> {
    const { api, tokenFile, caFile } = this.#options;
    const url = new URL(path, api);
    const text = body && JSON.stringify(body);
    const headers = {
      accept: "application/json",
      ...(tokenFile === undefined
        ? {}
        : { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` }),
      ...(text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) }),
    };
    const ca = caFile === undefined ? {} : { ca: readFileSync(caFile) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal, timeout: patienceMs, agent: false, ...ca };
      const sent = (url.protocol === "https:" ? secure : plain)(url, options, (answer) => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on("data", (part: Buffer) => {
          size += part.length;
          if (size > mostAnswer) sent.destroy(new Error("an answer of more than 64 MiB"));
          parts.push(part);
        });
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(text);
    });
  }

  async #read<T>(path: string, of: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const { status, text } = await this.#ask("GET", path, signal);
    if (status !== 200) throw fault.unseen(reasonIn(text) || `the cluster answers ${status}`);
    return of.parse(JSON.parse(text));
  }

  async look(signal: AbortSignal): Promise<readonly Thing[]> {
    const [{ items: nodes }, { items: pods }] = await Promise.all([
      this.#read("/api/v1/nodes", Nodes, signal),
      this.#read("/api/v1/pods", Pods, signal),
    ]);
    return nodes.map((node) => {
      const ready = node.status?.conditions?.find(({ type }) => type === "Ready")?.status;
      const state = ready === "True" ? "ready" : ready === "False" ? "not-ready" : "unknown";
      const kubelet = node.status?.nodeInfo?.kubeletVersion;
      return {
        name: node.metadata.name,
        state,
        ...(state === "unknown" ? { reason: "its kubelet does not report" } : {}),
        fields: {
          unschedulable: node.spec?.unschedulable === true,
          pods: pods.filter(({ spec }) => spec?.nodeName === node.metadata.name).length,
          ...(kubelet === undefined ? {} : { kubelet }),
        },
      };
    });
  }

  #node(name: string, signal: AbortSignal): Promise<Node> {
    return this.#read(`/api/v1/nodes/${encodeURIComponent(name)}`, Node, signal);
  }

  async #pods(node: string, signal: AbortSignal): Promise<readonly Pod[]> {
    const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
    return (await this.#read(path, Pods, signal)).items.filter((pod) => !stays(pod));
  }

  async evidence(target: string, verb: string, signal: AbortSignal): Promise<Evidence | undefined> {
    const { metadata, spec } = await this.#node(target, signal);
    const told = {
      resourceVersion: metadata.resourceVersion,
      unschedulable: spec?.unschedulable === true,
      drained_by: metadata.annotations?.[mark] ?? "",
    };
    return verb === "drain" ? { ...told, pods: (await this.#pods(target, signal)).length } : told;
  }

  async act({ verb, target, ticket, params, signal }: Act): Promise<{ readonly output?: string }> {
    const spec = { unschedulable: verb === "uncordon" ? null : true };
    // One change: whoever sees the mark sees the cordon.
    const annotations = { [mark]: verb === "drain" ? ticket : null };
    const { metadata } = await this.#node(target, signal);
    const { resourceVersion } = metadata;
    // A drain that went on after a crash has marked it before.
    if (verb !== "drain" || metadata.annotations?.[mark] !== ticket)
      await this.#change(target, { metadata: { resourceVersion, annotations }, spec }, signal);
    if (verb === "drain") await this.#evict(target, params.grace_s, signal);
    return {};
  }

  async #change(node: string, patch: object, signal: AbortSignal): Promise<void> {
    const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
    let answer: Answer;
    try {
      answer = await this.#ask("PATCH", path, signal, patch, "application/merge-patch+json");
    } catch (cause) {
      throw fault.lost((cause as Error).message, { cause });
    }
    if (answer.status !== 200)
      throw fault.act(reasonIn(answer.text) || `the cluster answers ${answer.status}`);
  }

  /** Until no pod is left that has to go; a pod is named by its uid, so that none of the same name goes for it. */
  async #evict(node: string, grace: number | undefined, signal: AbortSignal): Promise<void> {
    for (;;) {
      const pods = await this.#pods(node, signal);
      if (pods.length === 0) return;
      for (const { metadata } of pods) {
        if (metadata.deletionTimestamp !== undefined) continue;
        const { name, namespace, uid } = metadata;
        const deleteOptions = {
          preconditions: { uid },
          ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
        };
        const eviction = {
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { name, namespace },
          deleteOptions,
        };
        const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`;
        const { status, text } = await this.#ask("POST", path, signal, eviction);
        // 404 and 409: that pod is gone. 429: a budget of disruptions says not now.
        if (![200, 201, 404, 409, 429].includes(status))
          throw fault.act(`${namespace}/${name}: ${reasonIn(text) || `the cluster answers ${status}`}`);
      }
      await delay(this.#options.clock, againMs, signal);
    }
  }

  done({ verb, ticket }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    if (verb === "cordon") return now.unschedulable === true ? "yes" : "no";
    if (verb === "uncordon") return now.unschedulable === false ? "yes" : "no";
    if (now.drained_by !== ticket)
      return before.resourceVersion === now.resourceVersion ? "no" : doneUnmarked(now);
    // Somebody let pods on it again since: what is there now is not ours to evict.
    if (now.unschedulable !== true) return "unknown";
    return now.pods === 0 ? "yes" : "no";
  }

  [Symbol.dispose](): void {}
}

// Heartbeats change a node's version all the time; without the mark the drain was not begun.
const doneUnmarked = (now: Evidence): Done => (now.drained_by === "" ? "no" : "unknown");

function reasonIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? "");
  } catch {
    return "";
  }
}
