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
  for (const client of made)
    void (async () => {
      for (;;) await client.readAll("/proc/lifecycle/state");
    })().catch(() => undefined);
  parentPort?.postMessage("reading");
}

if (!isMainThread && (workerData as Asked | undefined)?.socket) await crowd(workerData as Asked);

/** Starts so many sessions that read until the end. */
export async function busyCrowd(asked: Asked): Promise<AsyncDisposable> {
  const worker = new Worker(new URL(import.meta.url), { workerData: asked });
  await once(worker, "message");
  return { [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}
