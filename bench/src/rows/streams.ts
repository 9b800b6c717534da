import { attach, startHive } from "../hive.ts";
import { load, several } from "../load.ts";
import type { Bench } from "../row.ts";

const line = Buffer.from("bench 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789\n");

/** Lines appended to streams, which live in memory, each a write of its own; 64 in flight on one connection. */
export const streams: Bench = {
  name: "streams",
  async run(tell) {
    await using hive = await startHive();
    await using owner = await hive.owner();
    await owner.append("/queen/ctl", '{"spawn":"heartbeat","ticks":1}\n');
    const token = await hive.ticket("bench", "queen", [{ path: "/", verb: "rw" }]);
    await using client = await attach(hive.ready["9p"], token);
    const rows = [];
    for (const path of ["/worker/worker-1/telemetry", "/log/queen.log"]) {
      tell(path);
      const file = await client.open(path, "append");
      const made = await several(5, () =>
        load({ pid: hive.pid, depth: 64, lasts: 800 }, () => file.write(line)),
      );
      const name = `appends to ${path.slice(path.lastIndexOf("/") + 1)}, 64 at a time`;
      rows.push(
        { name, unit: "/s", runs: made.map(({ rate }) => rate), goal: { least: 60_000 } },
        { name: `${name}: processor time of the daemon`, unit: "µs", runs: made.map(({ server }) => server) },
        { name: `${name}: of the client`, unit: "µs", runs: made.map(({ client }) => client) },
      );
    }
    return rows;
  },
};
