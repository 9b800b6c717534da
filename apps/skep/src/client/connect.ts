import { createConnection, type Socket } from "node:net";
import { faults } from "@skep/fault";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { findSocket } from "../config/mod.ts";

const fault = faults("client", {
  down: ["cut", "Cannot reach the hive: nothing listens on its socket", { cure: "Start it with `skep up`" }],
});

/** Where a hive is: a socket, and what to show there. */
export interface Target {
  readonly path: string;
  /** A ticket; empty on the owner's own socket. */
  readonly aname: string;
}

/** The socket of a home, for whoever owns it. */
export function homeTarget(home: string): Target {
  return { path: findSocket({ home, env: process.env, uid: process.getuid?.() ?? 0 } as never), aname: "" };
}

function dial({ path }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (cause) => reject(fault.down(path, { cause })));
  });
}

/** A 9P client of a hive. Throws `client.down` when nothing listens, and the fault of a refused attach. */
export async function connect(target: Target): Promise<Client> {
  const socket = await dial(target);
  return createClient(wireFromSocket(socket), { aname: target.aname, uname: "skep" });
}
