// A process full of workers. JSON lines on stdin: {"op":"start","at","given"}, then talk, quiet, scattered and report; each is
// answered by one line, `start` and `scattered` when all are attached.
import { createInterface } from "node:readline";
import { Crowd } from "./crowd.ts";
import type { At } from "./line.ts";
import type { Given } from "./worker.ts";

type Order =
  | { readonly op: "start"; readonly at: At; readonly given: readonly Given[] }
  | { readonly op: "talk" | "quiet" | "scattered" | "report" };

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
let crowd: Crowd | undefined;

async function obey(order: Order): Promise<void> {
  if (order.op === "start") {
    crowd = new Crowd(order.at, order.given);
    crowd.start();
    await crowd.whole;
    tell({ whole: true });
  } else if (order.op === "talk") {
    void crowd?.talk();
    tell({ talking: true });
  } else if (order.op === "quiet") {
    crowd?.quiet();
    tell({ talking: false });
  } else if (order.op === "scattered") {
    crowd?.scattered();
    void crowd?.whole.then(() => tell({ whole: true }));
  } else tell(crowd?.report() ?? {});
}

for await (const line of createInterface({ input: process.stdin })) await obey(JSON.parse(line) as Order);
process.exit(0);
