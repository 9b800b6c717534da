import type { Right } from "@skep/ticket";
import { z } from "zod";
import { fault } from "./faults.ts";
import type { ClusterApi } from "./k8s-api.ts";

/** A user of a cluster, as its authorizer knows one. */
export interface ClusterUser {
  readonly user: string;
  readonly groups: readonly string[];
}

/** What the authorizer is asked about. */
interface Access {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
}

const Review = z.object({ status: z.object({ allowed: z.boolean(), denied: z.boolean().optional() }) });
const Nodes = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

/** Rights that one ticket carries at most. */
const mostRights = 96;

async function may(api: ClusterApi, who: ClusterUser, access: Access, signal: AbortSignal): Promise<boolean> {
  const { user, groups } = who;
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user, ...(groups.length > 0 && { groups }), resourceAttributes: { group: "", ...access } },
  };
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const { allowed, denied } = (await api.post(path, body, Review, signal)).status;
  return allowed && denied !== true;
}

const at = (node: string, ...files: readonly string[]): Right[] =>
  files.map((file) => ({ path: `/host/k8s/node/${node}/${file}`, verb: "write" }));

/**
 * What a user of the cluster may do with nodes there, as rights of a ticket here: who may list nodes sees `/host/k8s`, who
 * may patch a node cordons and uncordons it, who may also evict pods drains it. The cluster's own authorizer is asked each
 * time (SubjectAccessReview), so roles, groups and bindings count as they count there. Throws `host-agent.unseen`,
 * `host-agent.nothing`, `host-agent.rights` and `exchange.*`.
 */
export async function rightsOf(
  api: ClusterApi,
  who: ClusterUser,
  signal: AbortSignal,
): Promise<readonly Right[]> {
  const ask = (access: Access): Promise<boolean> => may(api, who, access, signal);
  const [lists, patchesAll, evicts] = await Promise.all([
    ask({ verb: "list", resource: "nodes" }),
    ask({ verb: "patch", resource: "nodes" }),
    ask({ verb: "create", resource: "pods", subresource: "eviction" }),
  ]);
  const rights: Right[] = lists ? [{ path: "/host/k8s", verb: "read" }] : [];
  if (patchesAll && evicts) rights.push({ path: "/host/k8s/node", verb: "write" });
  else rights.push(...(await ofNodes(api, patchesAll ? async () => true : ask, evicts, signal)));
  if (rights.length === 0) throw fault.nothing(who.user);
  if (rights.length > mostRights) throw fault.rights(`${rights.length} of ${mostRights}`);
  return rights;
}

async function ofNodes(
  api: ClusterApi,
  ask: (access: Access) => Promise<boolean>,
  evicts: boolean,
  signal: AbortSignal,
): Promise<Right[]> {
  const { items } = await api.read("/api/v1/nodes", Nodes, signal);
  const rights: Right[] = [];
  for (const { metadata } of items) {
    const { name } = metadata;
    if (!(await ask({ verb: "patch", resource: "nodes", name }))) continue;
    rights.push(...at(name, "cordon", "uncordon", ...(evicts ? ["drain"] : [])));
  }
  return rights;
}
