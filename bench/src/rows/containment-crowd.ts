// Sessions that keep reading, in a thread of their own: on the bench's loop they would be timed with what is measured.
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { attach } from "../hive.ts";

interface Asked {
  readonly socket: string;
  readonly token: string;
  readonly count: number;
}

async function crowd({ socket, token, count }: Asked): Promise<void> {
  const made = await Promise.all(Array.from({ length: count }, () => attach({ path: socket }, token)));
  const ended = made.map(async (client) => {
    try {
      for (;;) await client.readAll("/proc/lifecycle/state");
    } catch {
      return performance.timeOrigin + performance.now();
    }
  });
  parentPort?.postMessage("reading");
  parentPort?.postMessage(Math.max(...(await Promise.all(ended))));
}

if (!isMainThread && (workerData as Asked | undefined)?.socket) await crowd(workerData as Asked);

/** Sessions that read until the end, or until each was refused. */
export interface Crowd extends AsyncDisposable {
  /** When the last of them was refused for the first time: milliseconds since 1970. */
  readonly refused: Promise<number>;
}

/** Starts so many sessions that read. */
export async function busyCrowd(asked: Asked): Promise<Crowd> {
  const worker = new Worker(new URL(import.meta.url), { workerData: asked });
  await once(worker, "message");
  const refused = once(worker, "message").then(([last]) => Number(last));
  refused.catch(() => undefined);
  return { refused, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}
