import { setTimeout as later } from "node:timers/promises";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { SessionPool } from "../client/pool.ts";
import { escapeForeign } from "@skep/text";

const fault = faults("reload", {
  wrong: [
    "invalid",
    "Cannot reload: the configuration is wrong, and nothing was changed",
    { cure: "`skep manifest check` names everything that is wrong" },
  ],
  late: ["timeout", "Cannot tell how the reload ended: read /queen/manifest/status"],
});

interface Told {
  readonly state: "idle" | "running" | "ok" | "refused";
  readonly seq: number;
  readonly changed: readonly { readonly key: string; readonly from: string; readonly to: string }[];
  readonly kept: readonly { readonly key: string; readonly cure: string }[];
  readonly problems: readonly { readonly code: string; readonly message: string; readonly cure: string }[];
}

const every = 20;
const most = 500;

/** What came of the reload that this record began. */
async function ended(pool: SessionPool<Client>, seq: number, signal: AbortSignal): Promise<Told> {
  const read = (client: Client) => client.readAll("/queen/manifest/status.json", { signal });
  for (let left = most; left > 0; left -= 1) {
    const bytes = await pool.run("control", read);
    const told = JSON.parse(bytes.toString("utf8")) as Told;
    if (told.seq >= seq && told.state !== "running") return told;
    await later(every, undefined, { signal });
  }
  throw fault.late(`record ${seq}`);
}

const shown = (text: string): string => escapeForeign(text, { form: "log" });

async function show({ out }: Context, { changed, kept, problems }: Told): Promise<void> {
  for (const { key, from, to } of changed)
    await out.line(toned("good", "changed "), `${key}: ${shown(from)} → ${shown(to)}`);
  for (const { key, cure } of kept) await out.line(toned("warn", "as it was "), `${key}: ${shown(cure)}`);
  for (const { message, cure } of problems) {
    await out.line(toned("bad", "wrong: "), shown(message));
    if (cure !== "") await out.line("  ", shown(cure));
  }
  if (changed.length + kept.length + problems.length === 0) await out.line("Nothing differs");
}

/** `skep reload`. */
export const reload: Command = command({
  name: "reload",
  group: "care",
  summary: "Have the running hive read its configuration again",
  doc: "What can change while it runs is changed, and the journal says so; what cannot is named with what to do. A configuration with a mistake changes nothing. SIGHUP does the same to a daemon that has no terminal.",
  examples: [{ run: "skep reload", doc: "After an edit of skep.toml" }],
  run: async (context) => {
    const { command: send, poolOf } = await import("../client/pooled.ts");
    await using pool = poolOf(context);
    const { result } = await send(pool, "/queen/manifest/ctl", { op: "reload" }, context.signal);
    const told = await ended(pool, (result as { readonly seq: number }).seq, context.signal);
    if (context.out.wantsJson) await context.out.json(told);
    else await show(context, told);
    return told.state === "ok" ? 0 : fault.wrong().row.exit;
  },
});
