import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../load.ts";
import { residentOf } from "../process.ts";
import type { Measured } from "../row.ts";
import { Caller, type HttpHive } from "./hive.ts";
import { good } from "./wire.ts";

async function connected(port: number): Promise<Socket> {
  const socket = createConnection({ host: "127.0.0.1", port });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Connects so many times, some at a time. */
async function crowd(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => connected(port));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

const lines = 100;
const path = "/log/queen.log";

interface Followed {
  readonly sockets: readonly Socket[];
  readonly ages: number[];
  readonly seen: { count: number };
}

/** Follows the stream on each socket, and keeps how old each line was when it came. */
function follow(sockets: readonly Socket[], request: Buffer): Followed {
  const ages: number[] = [];
  const seen = { count: 0 };
  for (const socket of sockets) {
    socket.on("data", (data: Buffer) => {
      for (const [, sent] of data.toString("latin1").matchAll(/sent=(\d+\.\d)/g)) {
        ages.push(performance.now() - Number(sent));
        seen.count += 1;
      }
    });
    socket.write(request);
  }
  return { sockets, ages, seen };
}

/** 1,000 subscribers of one stream by server-sent events: how old each line is when it arrives, and what they cost. */
export async function subscribers(http: HttpHive, count: number): Promise<readonly Measured[]> {
  const caller = await Caller.enter(http, "followed");
  const before = residentOf(http.hive.pid);
  const sockets = await crowd(http.port, count);
  const request = caller.request("GET", `/v1/tree${path}?from=now`, undefined, {
    Accept: "text/event-stream",
  });
  const { ages, seen } = follow(sockets, request);
  await sleep(2000);
  for (let at = 0; at < lines; at += 1) {
    const line = JSON.stringify({ path, line: `sent=${performance.now().toFixed(1)} at=${at}` });
    good(await caller.wire.ask(caller.request("POST", "/v1/fs/echo", line)));
    await sleep(50);
  }
  await sleep(1000);
  const grown = residentOf(http.hive.pid) - before;
  for (const socket of sockets) socket.destroy();
  caller.close();
  const name = `${count} SSE subscribers of one stream, 20 lines a second`;
  return [
    { name: `${name}: age of a line, p99`, unit: "ms", runs: [percentile(ages, 99)], goal: { most: 1000 } },
    {
      name: `${name}: lines that came`,
      unit: "%",
      runs: [(100 * seen.count) / (count * lines)],
      goal: { least: 100 },
    },
    { name: `${name}: memory of each`, unit: "kB", runs: [(grown * 1000) / count] },
  ];
}

/** Commands while 10,000 connections were opened that say nothing. */
export async function idlers(http: HttpHive, count: number): Promise<readonly Measured[]> {
  const caller = await Caller.enter(http, "control");
  const line = '{"revoke":"0000000000000000000000000000000000000000000000000000000000000000"}';
  const request = caller.request("POST", "/v1/tree/queen/ctl", line);
  good(await caller.wire.ask(request));
  const before = residentOf(http.hive.pid);
  const times: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const began = performance.now();
      good(await caller.wire.ask(request));
      times.push(performance.now() - began);
      await sleep(2);
    }
  })();
  const sockets = await crowd(http.port, count);
  await sleep(3000);
  const grown = residentOf(http.hive.pid) - before;
  // Until every one of them was ended for its silence: that is work, too.
  await sleep(9000);
  isOver = true;
  await asking;
  for (const socket of sockets) socket.destroy();
  caller.close();
  const name = `${count} idle connections`;
  return [
    {
      name: `${name}: a durable control meanwhile, p99`,
      unit: "ms",
      runs: [percentile(times, 99)],
      goal: { most: 50 },
    },
    { name: `${name}: memory grown`, unit: "MB", runs: [grown] },
    { name: `${name}: memory of the daemon`, unit: "MB", runs: [before + grown], goal: { most: 300 } },
  ];
}
