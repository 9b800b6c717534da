import type { Session } from "@skep/kernel";
import type { Config } from "../config/mod.ts";

/** What the original's image tells of a GPU that is made up. */
function infoOf(word: string): { readonly id: string; readonly info: string } {
  const [id = "", memory, units] = word.split(":");
  return { id, info: `id=${id}\nmemory_mb=${memory}\nsm_count=${units}\n` };
}

/** Publishes the GPUs of the configuration where nobody ever published any; a bridge takes their place. */
export async function publishConfigured(
  owner: Session,
  { values }: Config,
  log: (line: string) => void,
): Promise<void> {
  const gpus = values["compat.gpus"];
  if (gpus.length === 0) return;
  const status = Buffer.from(await owner.read("/gpu/bridge/status")).toString();
  if (status !== "state=idle\n") return;
  const { verdict, message, code } = await owner.append("/gpu/bridge/ctl", {
    op: "publish",
    nodes: gpus.map(infoOf),
  });
  if (verdict !== "ok") log(`gpu: those of the configuration were refused: ${message ?? code}`);
}
