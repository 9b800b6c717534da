import { faults } from "@skep/fault";
import { z } from "zod";
import type { Place } from "../client/contexts.ts";

const fault = faults("invitation", {
  read: ["invalid", "Cannot read invitation", { cure: "Give the whole line that `skep user add` printed" }],
});

const prefix = "skep-user-";

const Invitation = z.strictObject({
  v: z.literal(1),
  hive: z.string().min(1).max(128),
  socket: z.string().optional(),
  "9p": z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }).optional(),
  ticket: z.string().min(1),
});

/** What another person needs to use a hive. */
export interface Invited {
  readonly hive: string;
  readonly place: Place;
  readonly ticket: string;
}

/** One line with all that another person needs; as secret as the ticket in it. */
export function printInvitation({ hive, place, ticket }: Invited): string {
  const where = "path" in place ? { socket: place.path } : { "9p": place };
  return prefix + Buffer.from(JSON.stringify({ v: 1, hive, ...where, ticket })).toString("base64url");
}

/** Reads what `printInvitation` made. Throws `invitation.read`. */
export function parseInvitation(text: string): Invited {
  try {
    if (!text.startsWith(prefix)) throw new Error("another beginning");
    const json: unknown = JSON.parse(Buffer.from(text.slice(prefix.length), "base64url").toString("utf8"));
    const { hive, socket, "9p": ninep, ticket } = Invitation.parse(json);
    const place = socket === undefined ? ninep : { path: socket };
    if (!place) throw new Error("no place");
    return { hive, place, ticket };
  } catch (cause) {
    throw fault.read(undefined, { cause });
  }
}
