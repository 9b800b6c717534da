import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";

/** Brings one part to the hive; `there` is the code of the hive's refusal where somebody brought it meanwhile. */
export async function put(
  client: Client,
  path: string,
  bytes: Uint8Array,
  { there, signal }: { readonly there: string; readonly signal: AbortSignal | undefined },
): Promise<void> {
  try {
    await using file = await client.open(path, "write", { signal });
    await file.writeAll(bytes, 0, { signal });
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== there) throw thrown;
  }
}
