import { type Command, command } from "@skep/edge-cli";

/** `skep ticket k8s`. */
export const ticketK8s: Command = command({
  name: "ticket k8s",
  group: "access",
  summary: "Mint a ticket that opens what a user of a Kubernetes cluster may do there",
  doc: "Asks the cluster's own authorizer (SubjectAccessReview) what the user may do with nodes: who may list them sees /host/k8s, who may patch one cordons and uncordons it, who may also evict pods drains it. What the cluster allows later or no longer counts for the next ticket, so it holds for an hour unless --expires says else. Prints the ticket alone on stdout; needs no running hive.",
  examples: [
    {
      run: "skep ticket k8s --user alice --user-group ops --api https://10.0.0.1:6443 --token-file reviewer.token",
      doc: "What alice of ops may do, for an hour",
    },
  ],
  flags: {
    user: { kind: "string", required: true, doc: "The user, as the cluster names it" },
    "user-group": { kind: "string", repeat: true, value: "GROUP", doc: "A group that the user is in" },
    api: { kind: "string", required: true, value: "URL", doc: "The cluster's API" },
    "token-file": {
      kind: "file",
      doc: "Token of a service account that may create subjectaccessreviews and list nodes",
    },
    "ca-file": { kind: "file", doc: "Certificates that the API's is signed by" },
    expires: { kind: "string", value: "1h|never", default: "1h", doc: "How long it holds" },
  },
  run: async (context) => {
    const { flags, out, io, signal } = context;
    const [tickets, { hiveHome }, { ClusterApi }, { rightsOf }] = await Promise.all([
      import("../access/tickets.ts"),
      import("../access/home.ts"),
      import("./k8s-api.ts"),
      import("./rbac.ts"),
    ]);
    const { user, api, "user-group": groups = [] } = flags;
    const cluster = new ClusterApi({ api, tokenFile: flags["token-file"], caFile: flags["ca-file"] });
    const rights = await rightsOf(cluster, { user, groups }, signal);
    const now = io.clock.now();
    const writes = rights.some(({ verb }) => verb === "write");
    const role = writes ? "queen" : "observer";
    const subject = `k8s/${user}`;
    const expiresAt = tickets.expiryOf(flags.expires, now);
    const home = hiveHome(context);
    const token = await tickets.mintTicket(home, now, { role, subject, rights, expiresAt });
    if (out.wantsJson) await out.json({ ticket: token, role, subject, rights, expiresAt });
    else await out.data(`${token}\n`, { raw: true });
  },
});
