import { credentialOf, envOf, type SecretSetting, type Setting } from "./setting.ts";
import { secrets, sections, settings } from "./settings.table.ts";

const plain: Readonly<Record<string, Setting<unknown>>> = settings;
const hidden: Readonly<Record<string, SecretSetting>> = secrets;

const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;

function row(key: string, each: Setting<unknown>): string {
  const flag = each.flag === undefined ? "" : code(`--${each.flag}`);
  const [, name = key] = /^[^.]+\.(.*)$/.exec(key) ?? [];
  const { label, show } = each.kind;
  const running = each.running ? "reload" : each.instead === undefined ? "" : code(each.instead);
  return `| ${code(name)} | ${each.doc} | ${code(label)} | ${code(show(each.fallback))} | ${code(envOf(key, each))} | ${flag} | ${running} |`;
}

function section(name: string, about: string): string {
  const rows = Object.entries(plain)
    .filter(([key]) => key === name || key.startsWith(`${name}.`))
    .map(([key, each]) => row(key, each));
  const [head] = rows.length === 1 && Object.hasOwn(plain, name) ? [name] : [`[${name}]`];
  return [
    `## \`${head}\``,
    "",
    about,
    "",
    "| setting | meaning | value | default | environment | flag of `skep up` | while running |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function secretRows(): string {
  return Object.entries(hidden)
    .map(([key, each]) => {
      const flag = each.flag === undefined ? "" : code(`--${each.flag}`);
      return `| ${code(key)} | ${each.doc} | ${code(envOf(key, each))} | ${code(credentialOf(key))} | ${flag} |`;
    })
    .join("\n");
}

const introduction = `# Configuration

<!-- Made from the table of settings by \`skep config doc\`; edit apps/skep/src/config/settings.table.ts instead. -->

A value comes from the first of these that gives it: a flag of \`skep up\`, an environment variable, the file
\`skep.toml\` in the home (or the file named by \`--config\`, which is then read instead), the default. Everything is checked
at start; what is wrong is named with file, line and cure. \`skep config show\` prints every value with its origin,
\`skep config check\` everything that is wrong.

\`skep manifest resolve\` prints the effective configuration in one canonical form (RFC 8785) and \`skep manifest hash\` its
SHA-256, which \`/proc/boot\`, receipts and evidence name. A running daemon reads its file again on \`skep reload\` or SIGHUP: what
has \`reload\` below changes at once, and the journal says so; what has a command there changes by that one; all else takes a restart.

The home is \`--home\`, \`$SKEP_HOME\`, \`$XDG_STATE_HOME/skep\` or \`~/.local/state/skep\`. It must belong to the caller and have
mode 0700. The socket of the command line is \`skep.sock\` inside it, or, where that path has more than 107 bytes, in a
directory of its own in \`$XDG_RUNTIME_DIR\` or among the temporary files, which the file \`socket\` in the home names.

Sizes are bytes or have a unit: \`KB\`, \`MB\`, \`GB\` count in thousands, \`KiB\`, \`MiB\`, \`GiB\` in 1,024. Durations have a unit:
\`250ms\`, \`30s\`, \`5m\`, \`12h\`, \`30d\`.

\`\`\`toml
# skep.toml
[listen]
http = 8080
console = "on"

[sandbox]
memory = "512MiB"

[console]
token_file = "/run/secrets/console-token"
\`\`\``;

/** docs/configuration.md, from the table of settings. */
export function configurationDoc(): string {
  const parts = Object.entries(sections).map(([name, about]) => section(name, about));
  return `${introduction}

${parts.join("\n\n")}

## Secrets

A secret comes from the first of these: its flag; its variable, which is read once and not passed on to any child; its
variable with \`_FILE\` behind its name; a systemd credential (\`LoadCredential=\`); \`skep.toml\`, as the name of a file
(\`token_file = "…"\`) or in the file itself where nobody else may read that. The flag and \`_FILE\` name a file of mode
0600 or, as \`fd:3\`, an inherited descriptor. A secret that nobody gives is made for the home and kept under \`secrets/\`
in it. None is ever read from argv.

| secret | meaning | environment | systemd credential | flag of \`skep up\` |
|---|---|---|---|---|
${secretRows()}
`;
}
