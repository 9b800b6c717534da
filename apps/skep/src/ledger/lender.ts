import type { Context } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";
import { readText } from "../client/files.ts";
import { configSources, loadConfig } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { fault } from "../node/faults.ts";
import { membershipOf, nodePlaces } from "../node/folder.ts";
import { openNodeMesh } from "../node/mesh.ts";
import { nodeSources } from "../node/place.ts";
import { userHome } from "../person.ts";

/** A hive as one sees it who only lends a machine to it. */
export interface Lender extends AsyncDisposable {
  readonly client: Client;
  /** Whose account the machine earns for; undefined for whoever runs the hive. */
  readonly owner: string | undefined;
}

/**
 * The hive that a command means; or, with the folder of a machine that joined, that machine's hive, over the mesh and with its
 * own ticket. Throws `node.stranger`, `node.damaged`, `mesh.*`, and what `connectOf` throws.
 */
export async function lenderOf(context: Context, folder: string | undefined): Promise<Lender> {
  if (folder === undefined) {
    const client = await connectOf(context);
    return { client, owner: undefined, [Symbol.asyncDispose]: () => client.close() };
  }
  const { addresses, hiveKey, owner } = membershipOf(folder);
  const ticket = readText(nodePlaces.ticket(folder))?.trim();
  if (!ticket) throw fault.stranger(folder);
  const { values } = loadConfig(nodeSources(configSources(context, {}, userHome), folder));
  const { seed } = homeKey(nodePlaces.identity(folder));
  const mdns = addresses.length === 0;
  const mesh = await openNodeMesh({ seed, hiveKey, addresses, mdns, values, log: () => undefined });
  try {
    const client = await mesh.client(ticket, context.signal);
    const close = async () => {
      await client.close();
      await mesh[Symbol.asyncDispose]();
    };
    return { client, owner, [Symbol.asyncDispose]: close };
  } catch (thrown) {
    await mesh[Symbol.asyncDispose]();
    throw thrown;
  }
}
