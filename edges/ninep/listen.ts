import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { BlockList, createServer, isIP, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { fault } from "./faults.ts";

/** Where an edge listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}

type Place = { readonly host: string; readonly port: number } | { readonly path: string };

function listening(place: Place, accept: (socket: Socket) => void): Promise<Server> {
  // What has ended on the other side is closed in turns, not by Node when it is heard: thousands may go at once.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept);
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const where = "path" in place ? place.path : `${place.host}:${place.port}`;
      reject(error.code === "EADDRINUSE" ? fault.taken(where) : fault.listen(where, { cause: error }));
    });
    // After a restart all clients come back at once; the system takes as many of these as it allows.
    server.listen({ ...place, backlog: 4096 }, () => resolve(server));
  });
}

/** Listens on a loopback address, which is all that is allowed here; port 0 takes any that is free. */
export async function listenTcp(
  { host, port }: Listening,
  accept: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly at: Listening }> {
  const address = host === "localhost" ? "127.0.0.1" : host;
  if (!isLoopback(address)) throw fault.wide(host);
  const server = await listening({ host: address, port }, accept);
  const bound = server.address();
  return { server, at: { host: address, port: typeof bound === "object" && bound ? bound.port : port } };
}

async function makePrivate(directory: string, uid: number): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await lstat(directory);
  if ((found.mode & 0o077) !== 0 || found.uid !== uid) throw fault.open(directory);
}

// A socket that is still there belongs to a daemon that died: whoever holds the lock of the home may take its place.
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) throw fault.notSocket(path);
  await rm(path);
}

/** Listens on a unix socket that only its owner can reach: mode 0600 in a directory of mode 0700. */
export async function listenUnix(
  path: string,
  uid: number,
  accept: (socket: Socket) => void,
): Promise<Server> {
  if (Buffer.byteLength(path) > 107) throw fault.long(path);
  await makePrivate(dirname(path), uid);
  await removeStale(path);
  const server = await listening({ path }, accept);
  await chmod(path, 0o600);
  return server;
}
