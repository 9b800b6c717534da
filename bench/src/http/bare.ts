// A Fastify server with one route and nothing else: what Node, HTTP and the framework alone cost.
import { writeSync } from "node:fs";
import fastify from "fastify";

const app = fastify();
app.get("/state", async () => ({ state: "ONLINE" }));
app.post("/line", async () => ({ verdict: "ok" }));
await app.listen({ host: "127.0.0.1", port: 0 });
const at = app.server.address();
writeSync(1, `${typeof at === "object" && at ? at.port : 0}\n`);
