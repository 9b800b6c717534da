import { createServer, type IncomingMessage, type Server } from "node:http";

interface FakeNode {
  version: number;
  unschedulable: boolean;
  readonly annotations: Record<string, string>;
}

interface FakePod {
  readonly name: string;
  readonly node: string;
  readonly uid: string;
  readonly daemon?: boolean;
  /** So often its budget of disruptions says not now. */
  budget?: number;
}

interface Told {
  readonly status: number;
  readonly body: unknown;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return parts.length === 0 ? {} : (JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>);
}

/** Stands in for the API of a cluster: nodes and pods, with versions, merge patches and evictions by uid. */
export class FakeCluster implements AsyncDisposable {
  readonly nodes = new Map<string, FakeNode>();
  readonly pods = new Map<string, FakePod>();
  /** Names of pods that were evicted, in order. */
  readonly evicted: string[] = [];
  /** Leases by `namespace/name`, as they were written. */
  readonly leases = new Map<string, Record<string, unknown>>();
  /** Who may do what: `user verb resource`, or `user verb resource/name`. */
  readonly grants = new Set<string>();
  readonly token = "secret-of-the-test";
  readonly #server: Server;

  constructor(nodes: readonly string[]) {
    for (const name of nodes) this.nodes.set(name, { version: 1, unschedulable: false, annotations: {} });
    this.#server = createServer((request, answer) => {
      void this.#answer(request).then(({ status, body }) => {
        answer.writeHead(status, { "content-type": "application/json" });
        answer.end(JSON.stringify(body));
      });
    });
  }

  add(pod: FakePod): void {
    this.pods.set(pod.name, pod);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const at = this.#server.address();
    return `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}`;
  }

  async #answer(request: IncomingMessage): Promise<Told> {
    const body = await bodyOf(request);
    if (request.headers.authorization !== `Bearer ${this.token}`) return failed(401, "Unauthorized");
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://cluster");
    if (pathname === "/apis/authorization.k8s.io/v1/subjectaccessreviews") return this.#review(body);
    const lease = /^\/apis\/coordination.k8s.io\/v1\/namespaces\/([^/]+)\/leases(?:\/([^/]+))?$/.exec(
      pathname,
    );
    if (lease) return this.#lease(request.method ?? "", lease[1] ?? "", lease[2], body);
    const steps = pathname.split("/").slice(3);
    const [kind, name = ""] = steps;
    if (kind === "pods")
      return { status: 200, body: { items: this.#podsOf(searchParams.get("fieldSelector")) } };
    if (kind === "namespaces" && steps[4] === "eviction") return this.#evict(steps[3] ?? "", body);
    if (kind !== "nodes") return failed(404, `no such thing: ${pathname}`);
    if (name === "")
      return { status: 200, body: { items: [...this.nodes.keys()].map((one) => this.#node(one)) } };
    if (!this.nodes.has(name)) return failed(404, `nodes "${name}" not found`);
    if (request.method === "PATCH") return this.#patch(name, body, request.headers["content-type"]);
    return { status: 200, body: this.#node(name) };
  }

  // As the API does: a version for each write, a create that is there already and a version that is not the last conflict.
  #lease(method: string, namespace: string, name: string | undefined, body: Record<string, unknown>): Told {
    const metadata = body.metadata as { name?: string; resourceVersion?: string } | undefined;
    const key = `${namespace}/${name ?? metadata?.name ?? ""}`;
    const known = this.leases.get(key) as { metadata: { resourceVersion: string } } | undefined;
    if (method === "GET")
      return known ? { status: 200, body: known } : failed(404, `leases "${key}" not found`);
    if (method === "POST" && known) return failed(409, `leases "${key}" already exists`);
    if (method === "PUT" && known?.metadata.resourceVersion !== metadata?.resourceVersion)
      return failed(409, "the object has been modified");
    const version = String(Number(known?.metadata.resourceVersion ?? 0) + 1);
    const kept = { ...body, metadata: { ...metadata, resourceVersion: version } };
    this.leases.set(key, kept);
    return { status: method === "POST" ? 201 : 200, body: kept };
  }

  #review(body: Record<string, unknown>): Told {
    const {
      user,
      groups = [],
      resourceAttributes,
    } = body.spec as {
      user: string;
      groups?: readonly string[];
      resourceAttributes: { verb: string; resource: string; subresource?: string; name?: string };
    };
    const { verb, resource, subresource, name } = resourceAttributes;
    const what = subresource === undefined ? resource : `${resource}/${subresource}`;
    const allowed = [user, ...groups].some(
      (who) => this.grants.has(`${who} ${verb} ${what}`) || this.grants.has(`${who} ${verb} ${what}/${name}`),
    );
    return {
      status: 201,
      body: { kind: "SubjectAccessReview", status: { allowed, reason: allowed ? "RBAC" : "" } },
    };
  }

  #node(name: string): unknown {
    const { version, unschedulable, annotations } = this.nodes.get(name) ?? { version: 0, annotations: {} };
    return {
      metadata: { name, resourceVersion: String(version), annotations },
      spec: unschedulable ? { unschedulable } : {},
      status: { conditions: [{ type: "Ready", status: "True" }], nodeInfo: { kubeletVersion: "v1.31.0" } },
    };
  }

  #podsOf(selector: string | null): unknown[] {
    const node = selector?.split("=")[1];
    return [...this.pods.values()]
      .filter((pod) => node === undefined || pod.node === node)
      .map((pod) => ({
        metadata: {
          name: pod.name,
          namespace: "default",
          uid: pod.uid,
          ...(pod.daemon ? { ownerReferences: [{ kind: "DaemonSet" }] } : {}),
        },
        spec: { nodeName: pod.node },
        status: { phase: "Running" },
      }));
  }

  #patch(name: string, body: Record<string, unknown>, type: string | undefined): Told {
    const node = this.nodes.get(name);
    const { metadata, spec } = body as {
      metadata: { resourceVersion?: string; annotations?: Record<string, string | null> };
      spec: { unschedulable: boolean | null };
    };
    if (!node || type !== "application/merge-patch+json") return failed(415, "a merge patch is wanted");
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== String(node.version))
      return failed(409, "the object has been modified");
    node.unschedulable = spec.unschedulable === true;
    for (const [key, value] of Object.entries(metadata.annotations ?? {}))
      if (value === null) delete node.annotations[key];
      else node.annotations[key] = value;
    node.version += 1;
    return { status: 200, body: this.#node(name) };
  }

  #evict(name: string, body: Record<string, unknown>): Told {
    const pod = this.pods.get(name);
    const { deleteOptions } = body as { deleteOptions?: { preconditions?: { uid?: string } } };
    if (!pod) return failed(404, `pods "${name}" not found`);
    if (deleteOptions?.preconditions?.uid !== pod.uid) return failed(409, "the uid differs");
    if (pod.budget !== undefined && pod.budget > 0) {
      pod.budget -= 1;
      return failed(429, "Cannot evict pod as it would violate the pod's disruption budget.");
    }
    this.pods.delete(name);
    this.evicted.push(name);
    return { status: 201, body: { kind: "Status", status: "Success" } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

const failed = (status: number, message: string): Told => ({ status, body: { kind: "Status", message } });
