import type { Credential } from "./door.ts";
import { fault } from "./faults.ts";

/** Where a connection came in: only the socket of the home speaks for its owner. */
export type Origin = "tcp" | "unix";

/** Who attaches, and which subtree becomes the root. */
export interface Asked {
  readonly credential: Credential;
  /** An absolute path; `/` for everything. */
  readonly path: string;
}

/**
 * Reads the aname of a Tattach: `TICKET`, `TICKET:/sub/tree`, and on the unix socket also nothing, `:/sub/tree` or
 * `/sub/tree`, which take the owner's authority. A ticket holds neither slash nor colon.
 */
export function parseAname(aname: string, origin: Origin): Asked {
  const read = /^(?:([^:/]*)(?::(\/.*))?|(\/.*))$/s.exec(aname);
  if (!read) throw fault.aname();
  const [, token = "", below, bare] = read;
  if (token === "" && origin === "tcp") throw fault.noTicket();
  return {
    credential: token === "" ? { kind: "socket" } : { kind: "ticket", token },
    path: (below ?? bare ?? "/").replace(/(?<=.)\/$/, ""),
  };
}
