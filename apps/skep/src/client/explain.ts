import { Fault, type FaultExtra } from "@skep/fault";
import type { Answer } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { faultOf } from "./control.ts";

/** Nobody waits longer for the reason of a refusal, milliseconds. */
const patience = 300;

const path = "/proc/9p/session/self/refusal";

async function lastRefusal(client: Client): Promise<Fault | undefined> {
  try {
    const text = String(await client.readFirst(path, { signal: AbortSignal.timeout(patience) }));
    return text === "" ? undefined : faultOf(JSON.parse(text) as Answer);
  } catch {
    return undefined;
  }
}

const walked = ({ message, kind }: Fault): boolean =>
  kind === "absent" && message.startsWith("Cannot walk to ");

/** What to do about a path that does not lead anywhere. */
const look = "`skep ls` of the directory above it lists what there is";

function cureOf({ cure }: Fault, shown: Fault): FaultExtra {
  if (cure !== undefined) return { cure };
  return walked(shown) ? { cure: look } : {};
}

function unexplained(refused: Fault): Fault {
  if (walked(refused) && refused.cure === undefined)
    return new Fault(refused.kind, refused.code, refused.message, {
      cure: look,
      ...(refused.detail === undefined ? {} : { detail: refused.detail }),
    });
  if (refused.kind !== "denied") return refused;
  const extra: FaultExtra = {
    cure: "See what the ticket opens with `skep ticket show`",
    ...(refused.detail === undefined ? {} : { detail: refused.detail }),
  };
  return new Fault(refused.kind, refused.code, refused.message, extra);
}

/** Asks the hive for the fault behind an errno: its code, message and next step. */
export function explainer(): (refused: Fault, client: Client) => Promise<Fault> {
  let asking = false;
  return async (refused, client) => {
    // What fails because something before it failed, and what is asked for here, explain nothing.
    if (asking || refused.kind === "badHandle") return refused;
    asking = true;
    try {
      const told = await lastRefusal(client);
      // Another request of this session may have been refused since.
      if (!told || told.row.errno !== refused.row.errno) return unexplained(refused);
      // Which step of a path failed is known here.
      const named = refused.message.startsWith("Cannot walk to ") && !refused.detail;
      const extra = cureOf(told, named ? refused : told);
      return new Fault(told.kind, told.code, named ? refused.message : told.message, extra);
    } finally {
      asking = false;
    }
  };
}
