import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { checkConfig, configFlags, configSources, loadConfig } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { clientFile } from "./client-file.ts";
import { type Resolved, resolveManifest } from "./document.ts";
import { reload } from "./reload-command.ts";

const group = "care";
/** The flags of `skep up` are understood, so that the hash is that of a daemon which is started with them. */
const flags = {
  ...configFlags(),
  config: { kind: "file", doc: "Read this file instead of skep.toml in the home" },
} as const;

function resolved(context: Context & { readonly flags: Readonly<Record<string, unknown>> }): Resolved {
  return resolveManifest(loadConfig(configSources(context, context.flags, userHome)));
}

const check: Command = command({
  name: "manifest check",
  group,
  summary: "Name every line of the manifest that would be refused, with its place and cure",
  doc: "The manifest is skep.toml with every default. Needs no daemon and writes nothing.",
  examples: [
    { run: "skep manifest check --config new.toml", doc: "Before it is put into the home" },
    { run: "skep manifest check --profile production", doc: "As if it were for production" },
  ],
  flags,
  run: async (context) => {
    const { out } = context;
    const sources = configSources(context, context.flags, userHome);
    const { path, problems, warnings } = checkConfig(sources);
    const hash = problems.length === 0 ? resolved(context).hash : null;
    if (out.wantsJson) await out.json({ path, ok: problems.length === 0, hash, problems, warnings });
    else {
      for (const each of warnings) out.warn(each);
      for (const { message, cure } of problems) {
        await out.line(toned("bad", "refused: "), message);
        if (cure) await out.line("  ", cure);
      }
      if (hash !== null) await out.line(toned("good", "ok"), ` ${hash}`);
    }
    return problems.length === 0 ? 0 : kinds.invalid.exit;
  },
});

const resolve: Command = command({
  name: "manifest resolve",
  group,
  summary: "Print the whole manifest in its canonical form",
  doc: "JSON as RFC 8785 wants it, one line: the same configuration gives the same bytes. Durations are milliseconds, sizes bytes. Of secrets it tells which were given.",
  examples: [{ run: "skep manifest resolve > manifest.json", doc: "To keep, or to compare" }],
  flags,
  run: (context) => context.out.data(`${resolved(context).text}\n`, { raw: true }),
});

const hash: Command = command({
  name: "manifest hash",
  group,
  summary: "Print the fingerprint of the manifest: the SHA-256 of its canonical form",
  doc: "A hive that was started with it names the same in /proc/boot, in the receipts of runs on its GPUs, and in evidence.",
  examples: [{ run: "skep manifest hash", doc: "Of the configuration of this home" }],
  flags,
  run: async (context) => {
    const made = resolved(context);
    if (context.out.wantsJson) return context.out.json({ hash: made.hash, schema: made.manifest.schema });
    return context.out.line(made.hash);
  },
});

const client: Command = command({
  name: "manifest client",
  group,
  summary: "Print the file with which clients are made for a hive of this manifest",
  doc: "It has the limits of the console, how many sessions a client has and how patient it is, and the fingerprint. A client that is given it with SKEP_MANIFEST=FILE refuses to go on with a hive that has another one.",
  examples: [{ run: "skep manifest client > hive.client.json", doc: "For whoever uses the hive" }],
  flags,
  run: (context) => {
    const made = clientFile(resolved(context));
    if (context.out.wantsJson) return context.out.json(made);
    return context.out.data(`${JSON.stringify(made, null, 2)}\n`, { raw: true });
  },
});

/** `skep manifest …` and `skep reload`. */
export const manifestCommands: readonly Command[] = [check, resolve, hash, client, reload];
