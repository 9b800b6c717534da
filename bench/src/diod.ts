import { accessSync, constants } from "node:fs";
import { createConnection, createServer } from "node:net";
import type { Client } from "@skep/ninep";
import { attach } from "./hive.ts";
import { Child } from "./process.ts";

const program = "/usr/sbin/diod";

/** diod in a process of its own. */
export interface Diod extends AsyncDisposable {
  readonly pid: number;
  client(): Promise<Client>;
}

/** Whether the Debian package is there. */
export function hasDiod(): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === "object" && bound ? bound.port : 0;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Starts diod over a directory, on loopback, without authentication and look-ups of users. */
export async function startDiod(directory: string): Promise<Diod> {
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const child = new Child(program, [
    "-f",
    "-n",
    "-N",
    "-c",
    "/dev/null",
    "-l",
    listen,
    "-e",
    directory,
    "-L",
    "stderr",
  ]);
  for (let left = 100; !(await answers(port)); left -= 1) {
    if (left === 0) throw new Error(`diod does not listen: ${child.told}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid,
    client: () => attach({ host: "127.0.0.1", port }, directory),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
