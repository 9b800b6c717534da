import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { configurationDoc } from "./doc.ts";
import { configFlags } from "./flags.ts";
import { findHome } from "./home.ts";
import { type ConfigSources, loadConfig } from "./load.ts";
import { checkConfig, showConfig } from "./show.ts";

/** The flags of `skep up` that the commands below take too, so that they see what it would see. */
const flags = {
  ...configFlags(),
  config: { kind: "file", doc: "Read this file instead of skep.toml in the home" },
} as const;

/** The sources of the configuration, from what a command was given. */
export function configSources(
  { global, io }: Context,
  given: Readonly<Record<string, unknown>>,
  userHome: string,
): ConfigSources {
  const home = findHome({ flag: global.home, env: io.env, userHome });
  const file = typeof given.config === "string" ? given.config : undefined;
  // A copy: these commands start no child, and what they read must still be there for others.
  return { home, file, env: { ...io.env }, flags: given };
}

/** `config show`, `config check` and `config doc`; none of them needs a daemon or writes to the home. */
export function configCommands(group: string, userHome: string): readonly Command[] {
  const show = command({
    name: "config show",
    group,
    summary: "Show every setting with where its value comes from",
    doc: "The flags of skep up are understood, so that the effect of one can be seen before it is used. Secrets are masked.",
    examples: [
      { run: "skep config show", doc: "All settings" },
      { run: "skep config show --changed", doc: "Only those that are not the default" },
    ],
    flags: { ...flags, changed: { kind: "boolean", doc: "Leave out what is the default" } },
    run: async (context) => {
      const config = loadConfig(configSources(context, context.flags, userHome));
      const rows = showConfig(config).filter(({ usual }) => !usual || context.flags.changed !== true);
      await context.out.table(rows, [
        { title: "setting", cell: ({ key }) => key },
        { title: "value", cell: ({ value }) => value },
        { title: "from", cell: ({ origin }) => origin },
      ]);
      for (const each of config.warnings) context.out.warn(each);
    },
  });
  const check = command({
    name: "config check",
    group,
    summary: "Name everything that is wrong with the configuration",
    examples: [{ run: "skep config check --config new.toml", doc: "Before it is put into the home" }],
    flags,
    run: async (context) => {
      const { out } = context;
      const { path, problems, warnings } = checkConfig(configSources(context, context.flags, userHome));
      if (out.wantsJson) await out.json({ path, problems, warnings });
      for (const each of warnings) out.warn(each);
      for (const { message, cure } of problems) {
        await out.line(toned("bad", "wrong: "), message);
        if (cure) await out.line("  ", cure);
      }
      if (problems.length === 0) await out.line(`${path ?? "No file; the defaults"}: nothing is wrong`);
      return problems.length === 0 ? 0 : kinds.invalid.exit;
    },
  });
  const doc = command({
    name: "config doc",
    group,
    summary: "Print the documentation of every setting",
    examples: [{ run: "skep config doc > configuration.md", doc: "As Markdown" }],
    run: ({ out }) =>
      out.wantsJson
        ? out.json({ markdown: configurationDoc() })
        : out.data(configurationDoc(), { raw: true }),
  });
  return [show, check, doc];
}
