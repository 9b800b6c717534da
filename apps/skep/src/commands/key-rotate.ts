import { type Command, command } from "@skep/edge-cli";
import { hiveHome } from "../access/home.ts";
import { lock } from "../hive/storage.ts";
import type { KeyKind, Rotation } from "../hive/rotate.ts";

const kinds = ["identity", "ticket", "log"] as const;

const meanings: Readonly<Record<KeyKind, { readonly rotated: string; readonly retired: string }>> = {
  identity: {
    rotated: "Manifests are signed with the new key; the hive keeps its name",
    retired: "The old key is named as retired",
  },
  ticket: {
    rotated: "Tickets of the old key go on to be let in until `skep key rotate ticket --retire`",
    retired: "Tickets of the old key are refused: mint new ones with `skep ticket mint`",
  },
  log: {
    rotated: "Checkpoints are signed with the new key; `skep audit key` prints it for those who verify",
    retired: "This home no longer believes checkpoints of the old key; those who kept it still can",
  },
};

function question({ retire, kind, home }: { retire: boolean; kind: KeyKind; home: string }): string {
  return retire ? `Retire the replaced ${kind} keys of ${home}` : `Replace the ${kind} key of ${home}`;
}

/** `skep key rotate`. */
export const keyRotate: Command = command({
  name: "key rotate",
  group: "care",
  summary: "Replace a key of the hive, or retire those that were replaced",
  doc: "The daemon must be stopped. The old key is kept under keys/retired in the home. The next `skep up` names the change in the journal, with a note that the old key and the new one both sign.",
  examples: [
    { run: "skep key rotate ticket", doc: "New tickets have the new key; old ones still work" },
    { run: "skep key rotate ticket --retire", doc: "Old ones no longer work" },
  ],
  args: [{ name: "key", kind: "choice", choices: kinds, doc: "Which key" }],
  flags: {
    retire: { kind: "boolean", doc: "Make no new key: end what the replaced ones signed" },
  },
  danger: "moderate",
  run: async (context) => {
    const { args, flags, out } = context;
    const home = hiveHome(context);
    const { retire } = flags;
    // First, so that nobody says yes to what is then refused because a daemon runs.
    using _held = lock(home);
    await context.confirm({ act: question({ retire, kind: args.key, home }), name: args.key });
    const { retireKeys, rotateKey } = await import("../hive/rotate.ts");
    const done: Rotation = retire ? retireKeys(home, args.key) : rotateKey(home, args.key);
    if (out.wantsJson) return out.json({ ...done, home });
    for (const key of done.old) await out.line(`${retire ? "Retired" : "Old"} ${args.key} key  `, key);
    await out.line(`${retire ? "Current" : "New"} ${args.key} key  `, done.now);
    await out.line(meanings[args.key][retire ? "retired" : "rotated"]);
    return out.line("The next `skep up` names this in the journal");
  },
});
