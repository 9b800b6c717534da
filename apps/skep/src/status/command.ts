import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { Fault } from "@skep/fault";
import { escapeForeign, formatTime } from "@skep/text";
import type { Status } from "./live.ts";

async function statusOf(context: Context): Promise<Status> {
  const [{ connect, targetOf }, { liveStatus }] = await Promise.all([
    import("../client/connect.ts"),
    import("./live.ts"),
  ]);
  const target = targetOf(context);
  try {
    await using client = await connect(target, context.signal);
    return await liveStatus(client, context.signal);
  } catch (thrown) {
    // Only the files of a home on this machine tell of a hive that does not run.
    if (!(thrown instanceof Fault) || thrown.code !== "client.down" || target.home === undefined)
      throw thrown;
    const [{ hiveHome }, { offlineStatus }] = await Promise.all([
      import("../access/home.ts"),
      import("./offline.ts"),
    ]);
    return offlineStatus(hiveHome(context));
  }
}

const times = new Set(["since_ms", "last_seen_ms"]);

function shown(name: string, value: string | number): string {
  if (times.has(name) && Number(value) > 0) return formatTime(Number(value));
  return escapeForeign(String(value), { form: "log" });
}

/** `skep status`. */
export const status: Command = command({
  name: "status",
  group: "care",
  summary: "Tell how a hive is, from its files where it does not run",
  doc: "Changes nothing. Where no hive answers in this home, its last snapshot and the records after it are read: the state is OFFLINE then, and last_state what it was before.",
  examples: [
    { run: "skep status", doc: "Of the hive of this home" },
    { run: "skep status --home /srv/hive --json", doc: "For a program" },
  ],
  run: async (context) => {
    const told = await statusOf(context);
    const { out } = context;
    if (out.wantsJson) return out.json(told);
    for (const [name, value] of Object.entries(told)) {
      const tone = name === "state" ? (value === "ONLINE" ? "good" : "warn") : undefined;
      const text = shown(name, value as string | number);
      await out.line(name.replace(/_ms$/, "").padEnd(12), tone ? toned(tone, text) : text);
    }
    return undefined;
  },
});
