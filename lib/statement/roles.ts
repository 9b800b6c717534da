import { type AllowedSigners, type LocalTime, parseAllowedSigners } from "@skep/sshsig";
import { fault } from "./faults.ts";
import type { Role } from "./fields.ts";

/** Owners of keys by the name that allowed_signers has as principal, with what their keys may do. */
export type Roles = ReadonlyMap<string, ReadonlySet<Role>>;

/** Who may sign, and what for. */
export interface Signers {
  readonly allowed: AllowedSigners;
  readonly roles: Roles;
}

const isRole = (word: string): word is Role => word === "operational" || word === "recovery";

function parseRole(word: string, line: number): Role {
  if (!isRole(word)) throw fault.roles(`line ${line}: role ${word}`);
  return word;
}

/**
 * Reads a roles file: `OWNER ROLE[,ROLE]` per line, `#` begins a comment. An owner is a name, never a pattern, and
 * stands on one line. Throws `statement.roles` with the line: a file that is half understood allows nobody.
 */
export function parseRoles(source: string): Roles {
  const roles = new Map<string, ReadonlySet<Role>>();
  for (const [at, text] of source.split("\n").entries()) {
    const line = at + 1;
    const trimmed = text.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const [owner = "", words = "", ...rest] = trimmed.split(/[ \t]+/);
    if (words === "" || (rest[0] !== undefined && !rest[0].startsWith("#")))
      throw fault.roles(`line ${line}: not OWNER ROLE[,ROLE]`);
    if (/[*?!,"]/.test(owner)) throw fault.roles(`line ${line}: a pattern in the place of an owner`);
    if (roles.has(owner)) throw fault.roles(`line ${line}: ${owner} stands twice`);
    roles.set(owner, new Set(words.split(",").map((word) => parseRole(word, line))));
  }
  return roles;
}

/** Reads both files. Throws `statement.roles`, and what `parseAllowedSigners` throws. */
export function parseSigners(allowedSigners: string | Uint8Array, roles: string, local?: LocalTime): Signers {
  return { allowed: parseAllowedSigners(allowedSigners, local), roles: parseRoles(roles) };
}
