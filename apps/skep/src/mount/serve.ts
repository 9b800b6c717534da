import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { serve } from "@skep/fuse";
import { realClock } from "../clock.ts";
import { connect } from "../client/connect.ts";
import { openDevice } from "./device.ts";
import type { Errand } from "./fuse.ts";
import { HiveFiles } from "./hive-files.ts";
import { Link } from "./link.ts";
import { unmount } from "./place.ts";

/** Bytes of a 9P message around its data. */
const around = 24;
/** The least that the kernel takes for a write. */
const leastWrite = 4096;
/** What our client and a hive agree on at most. */
const mostMessage = 131_072;

/** What a stat was told is fresh for as long as one listing of `ls` asks for it twice, milliseconds. */
const keptMs = 100;

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The first line on stdin; what follows is nothing but its end, which comes when whoever mounted is gone. */
async function takeErrand(): Promise<{ readonly errand: Errand; readonly left: Promise<void> }> {
  const lines = createInterface({ input: process.stdin });
  const left = new Promise<void>((done) => lines.once("close", done));
  const line = await new Promise<string>((done) => lines.once("line", done));
  return { errand: JSON.parse(line) as Errand, left };
}

function linkOf({ target }: Errand): Link {
  return new Link({
    connect: async (signal) => {
      const client = await connect(target, signal);
      // Programs on a mount hear an errno and nothing else: the story behind it would be asked for in vain.
      client.rpc.explain = undefined;
      return client;
    },
    clock: realClock,
    report,
  });
}

/**
 * Serves a mount on an open /dev/fuse until it is unmounted: by somebody, by a signal, or because whoever mounted it is
 * gone and it was not to stay. Prints a line when the kernel has agreed. Ends this process.
 */
export async function serveMount(device: number): Promise<void> {
  // Whoever mounted may have left: then nobody reads what is said.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const { errand, left } = await takeErrand();
  const { dir, uid, gid, msize, stays } = errand;
  const link = linkOf(errand);
  const most = Math.min(msize, mostMessage) - around;
  const maxWrite = Math.max(leastWrite, most);
  const served = serve(openDevice(device, maxWrite), new HiveFiles(link, { uid, gid, most }), {
    maxWrite,
    keptMs,
    ready: () => process.stdout.write("ready\n"),
    report: (thrown) => report(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)),
  });
  const stop = (): void => void endSoon(dir, served);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  if (!stays) void left.then(stop);
  await served;
  await link.close();
  process.exit(0);
}

let ending = false;

/** Unmounts. Who is in it still is left with a file system that is gone. */
async function endSoon(dir: string, served: Promise<void>): Promise<void> {
  if (ending) return;
  ending = true;
  const { code, told, lazily } = await unmount(dir, process.env);
  if (code !== 0) report(`cannot unmount ${dir}: ${told}`);
  if (lazily) report(`${dir} is in use still: it is gone for those who are in it`);
  await Promise.race([served, wait(lazily ? 100 : 2000)]);
  // The thread that reads the device would hold an orderly exit for as long as somebody is in the mount.
  process.kill(process.pid, "SIGKILL");
}
