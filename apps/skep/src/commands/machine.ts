import { faults, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { z } from "zod";

const fault = faults("machine", {
  unknown: ["absent", "Cannot find machine", { cure: "`skep nodes` and `skep ls /worker` list them" }],
  several: ["conflict", "Cannot tell which machine is meant: several have this name"],
});

const Node = z.object({
  node: z.string(),
  name: z.string(),
  state: z.string(),
  path: z.string(),
  why: z.string(),
  since_ms: z.number(),
});

/** A machine that joined, as `/net/nodes` tells it. */
export type MachineRow = z.infer<typeof Node>;

/** The owner of a machine for people: one whom nobody named stands in the log by the invitation, which tells them nothing. */
export function ownerShown(owner: string): string {
  return owner.startsWith("invite:") ? "(not named)" : owner;
}

async function rowsOf(client: Client, signal: AbortSignal): Promise<readonly MachineRow[]> {
  const text = await client.readAll("/net/nodes.json", { signal }).catch(() => "[]");
  return z.array(Node).parse(JSON.parse(String(text)));
}

/**
 * The machine that joined under this id or name; of several with one name those that were removed count last. Throws
 * `machine.several`.
 */
export async function joinedMachine(
  client: Client,
  of: string,
  signal: AbortSignal,
): Promise<MachineRow | undefined> {
  const rows = await rowsOf(client, signal);
  const exact = rows.find(({ node }) => node === of);
  if (exact) return exact;
  const named = rows.filter(({ name }) => name === of);
  const present = named.filter(({ state }) => state !== "removed");
  if (present.length > 1)
    throw fault.several(of, { cure: `Give its id: ${present.map(({ node }) => node).join(", ")}` });
  return present[0] ?? named.at(-1);
}

/** The id of a worker of this hive, by its id or its machine's name. Throws `machine.unknown`, `.several`. */
export async function workerNamed(client: Client, of: string, signal: AbortSignal): Promise<string> {
  const joined = await joinedMachine(client, of, signal);
  if (joined) return joined.node;
  if (!/^[\w.-]{1,64}$/.test(of)) throw fault.unknown(of);
  try {
    await using _ = await client.walk(`/worker/${of}`, { signal });
    return of;
  } catch (thrown) {
    throw toFault(thrown).kind === "absent" ? fault.unknown(of, { cause: thrown }) : thrown;
  }
}
