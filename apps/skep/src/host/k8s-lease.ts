import type { Clock } from "@skep/clock";
import { z } from "zod";
import { fault } from "./faults.ts";
import { readAnswer } from "./answer.ts";
import type { ClusterApi } from "./k8s-api.ts";
import type { Act, Done, Evidence } from "../attached/target.ts";

const mark = "skep.dev/ticket";

const Lease = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .optional(),
});
type Lease = z.output<typeof Lease>;

const none: Evidence = { resourceVersion: "", holder: "", ticket: "" };

// Times of a lease have microseconds (MicroTime of the API).
const micro = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");

/** The lease that is written. Throws `host-agent.act` while another holder's runs. */
function specOf(before: Lease["spec"], params: Act["params"], now: number) {
  const { holderIdentity, renewTime, leaseDurationSeconds, acquireTime, leaseTransitions } = before ?? {};
  const holder = String(params.holder);
  const own = holderIdentity === holder;
  const ends = Date.parse(renewTime ?? "") + (leaseDurationSeconds ?? 0) * 1000;
  if (holderIdentity && !own && ends > now) throw fault.act(`${holderIdentity} has it until ${micro(ends)}`);
  return {
    holderIdentity: holder,
    leaseDurationSeconds: Number(params.lease_s),
    acquireTime: own && acquireTime ? acquireTime : micro(now),
    renewTime: micro(now),
    leaseTransitions: (leaseTransitions ?? 0) + (before && !own ? 1 : 0),
  };
}

/** Leases of Kubernetes (coordination.k8s.io/v1): taken or renewed for a holder, never from somebody whose lease runs. */
export class KubernetesLeases {
  readonly #api: ClusterApi;
  readonly #clock: Clock;

  constructor(api: ClusterApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  // Throws `host-agent.act` where the target names none.
  #paths(target: string): { readonly all: string; readonly one: string; readonly name: string } {
    const [, namespace = "default", name] =
      /^(?:([a-z0-9-]{1,63})\/)?([a-z0-9][a-z0-9.-]{0,252})$/.exec(target) ?? [];
    if (name === undefined) throw fault.act(`${target} names no lease: write NAMESPACE/NAME`);
    const all = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    return { all, one: `${all}/${name}`, name };
  }

  async #read(path: string, signal: AbortSignal): Promise<Lease | undefined> {
    const answer = await this.#api.ask("GET", path, signal);
    return answer.status === 404 ? undefined : readAnswer(answer, Lease, "the cluster");
  }

  async evidence(target: string, signal: AbortSignal): Promise<Evidence> {
    const lease = await this.#read(this.#paths(target).one, signal);
    if (!lease) return none;
    const { resourceVersion, annotations } = lease.metadata;
    return { resourceVersion, holder: lease.spec?.holderIdentity ?? "", ticket: annotations?.[mark] ?? "" };
  }

  async act({ target, params, ticket, signal }: Act): Promise<{ readonly output: string }> {
    const { all, one, name } = this.#paths(target);
    const now = this.#clock.now();
    const before = await this.#read(one, signal);
    const spec = specOf(before?.spec, params, now);
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name,
        ...(before && { resourceVersion: before.metadata.resourceVersion }),
        annotations: { ...before?.metadata.annotations, [mark]: ticket },
      },
      spec,
    };
    await this.#api.change(before ? "PUT" : "POST", before ? one : all, signal, body);
    return {
      output: JSON.stringify({ holder: spec.holderIdentity, until_ms: now + Number(params.lease_s) * 1000 }),
    };
  }

  done({ ticket }: Act, before: Evidence, now: Evidence): Done {
    if (now.ticket === ticket) return "yes";
    // Another hand has been there since: whether ours came before it nobody can tell.
    return before.resourceVersion === now.resourceVersion ? "no" : "unknown";
  }
}
