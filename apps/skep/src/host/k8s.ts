import { type Clock, delay } from "@skep/clock";
import { z } from "zod";
import { refusalIn } from "./answer.ts";
import { fault } from "./faults.ts";
import { type ApiOptions, ClusterApi } from "./k8s-api.ts";
import { KubernetesLeases } from "./k8s-lease.ts";
import type { Act, Done, Evidence } from "../attached/target.ts";
import type { HostProvider, Thing } from "./provider.ts";

/** How nodes of a cluster are looked at. */
export interface ClusterOptions extends ApiOptions {
  readonly everyMs: number;
  readonly clock: Clock;
}

const mark = "skep.dev/drain";
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
  readonly #api: ClusterApi;
  readonly #leases: KubernetesLeases;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#api = new ClusterApi(options);
    this.#leases = new KubernetesLeases(this.#api, options.clock);
  }

  get everyMs(): number {
    return this.#options.everyMs;
  }

  async look(signal: AbortSignal): Promise<readonly Thing[]> {
    const [{ items: nodes }, { items: pods }] = await Promise.all([
      this.#api.read("/api/v1/nodes", Nodes, signal),
      this.#api.read("/api/v1/pods", Pods, signal),
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
    return this.#api.read(`/api/v1/nodes/${encodeURIComponent(name)}`, Node, signal);
  }

  async #pods(node: string, signal: AbortSignal): Promise<readonly Pod[]> {
    const path = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${node}`)}`;
    return (await this.#api.read(path, Pods, signal)).items.filter((pod) => !stays(pod));
  }

  async evidence(target: string, verb: string, signal: AbortSignal): Promise<Evidence | undefined> {
    if (verb === "lease") return this.#leases.evidence(target, signal);
    const { metadata, spec } = await this.#node(target, signal);
    const told = {
      resourceVersion: metadata.resourceVersion,
      unschedulable: spec?.unschedulable === true,
      drained_by: metadata.annotations?.[mark] ?? "",
    };
    return verb === "drain" ? { ...told, pods: (await this.#pods(target, signal)).length } : told;
  }

  async act(act: Act): Promise<{ readonly output?: string }> {
    const { verb, target, ticket, params, signal } = act;
    if (verb === "lease") return this.#leases.act(act);
    const spec = { unschedulable: verb === "uncordon" ? null : true };
    // One change: whoever sees the mark sees the cordon.
    const annotations = { [mark]: verb === "drain" ? ticket : null };
    const { metadata } = await this.#node(target, signal);
    const { resourceVersion } = metadata;
    // A drain that went on after a crash has marked it before.
    if (verb !== "drain" || metadata.annotations?.[mark] !== ticket)
      await this.#change(target, { metadata: { resourceVersion, annotations }, spec }, signal);
    if (verb === "drain")
      await this.#evict(target, params.grace_s === undefined ? undefined : Number(params.grace_s), signal);
    return {};
  }

  async #change(node: string, patch: object, signal: AbortSignal): Promise<void> {
    const path = `/api/v1/nodes/${encodeURIComponent(node)}`;
    await this.#api.change("PATCH", path, signal, patch, "application/merge-patch+json");
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
        const answer = await this.#api.attempt("POST", path, signal, eviction);
        // 404 and 409: that pod is gone. 429: a budget of disruptions says not now.
        if (![200, 201, 404, 409, 429].includes(answer.status))
          throw fault.act(`${namespace}/${name}: ${refusalIn(answer, "the cluster")}`);
      }
      await delay(this.#options.clock, againMs, signal);
    }
  }

  done(act: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    const { verb, ticket } = act;
    if (!before || !now) return "unknown";
    if (verb === "lease") return this.#leases.done(act, before, now);
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
