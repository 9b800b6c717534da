import type { FastifyInstance } from "fastify";
import { inLane, type Parts } from "../parts.ts";
import { fault } from "../faults.ts";
import { getTree, treeUrl, wholeText } from "./read.ts";
import { postTree, putTree } from "./write.ts";

/** The tree as resources, and the hive's figures. */
export function treeRoutes(app: FastifyInstance, parts: Parts): void {
  for (const url of [treeUrl, `${treeUrl}/*`]) {
    app.route({ method: ["GET", "HEAD"], url, handler: (request, reply) => getTree(parts, request, reply) });
    app.post(url, (request, reply) => postTree(parts, request, reply));
    app.route({
      method: ["PUT", "PATCH"],
      url,
      config: { streamed: true },
      handler: (request, reply) => putTree(parts, request, reply),
    });
    app.delete(url, async () => {
      throw fault.method("nothing is removed from the tree");
    });
  }
  app.get("/metrics", (request, reply) =>
    inLane(parts, request, "control", async ({ session }) => {
      const body = await wholeText(session, await session.find("/proc/metrics"));
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(body);
    }),
  );
}
