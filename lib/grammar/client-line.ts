import { faults } from "@skep/fault";
import { verbOf } from "./verbs.ts";

const fault = faults("script", {
  form: ["invalid", "Cannot parse command"],
  unknown: ["unsupported", "Cannot run command: the console has no such verb"],
});

const overflow = "x".repeat(8256);

/** Words of `key=value` as an object; whole numbers become numbers. */
function settings(words: readonly string[]): Record<string, string | number> {
  const found: Record<string, string | number> = {};
  for (const word of words) {
    const [, key, value] = /^([a-z_]+)=(.+)$/.exec(word) ?? [];
    if (key === undefined || value === undefined) throw fault.form(word);
    found[key] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  return found;
}

function spawn(words: readonly string[]): string {
  const [kind = "", ...rest] = words;
  const { ttl_s, ops, ...own } = settings(rest);
  if (kind === "gpu")
    return JSON.stringify({ spawn: kind, lease: ttl_s === undefined ? own : { ...own, ttl_s } });
  const budget = { ...(ttl_s === undefined ? {} : { ttl_s }), ...(ops === undefined ? {} : { ops }) };
  return JSON.stringify({ spawn: kind, ...own, ...(Object.keys(budget).length > 0 ? { budget } : {}) });
}

function echo(rest: string): string {
  const found = /^(.*?)[ \t]*>[ \t]*(\/\S*)$/.exec(rest);
  if (!found) return `ECHO ${rest}`;
  const text = found[1] ?? "";
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return `ECHO ${found[2]} ${(quoted?.[2] ?? text).replaceAll("{{msize_overflow}}", overflow)}`;
}

const control = (value: object | string) =>
  `ECHO /queen/ctl ${typeof value === "string" ? value : JSON.stringify(value)}`;

type Form = (words: readonly string[], rest: string) => string;
const forms: Record<string, Form> = {
  attach: ([role = "", ticket = ""]) => `ATTACH ${role} ${ticket}`,
  login: ([role = "", ticket = ""]) => `ATTACH ${role} ${ticket}`,
  detach: () => "QUIT",
  echo: (_, rest) => echo(rest),
  log: () => "TAIL /log/queen.log",
  spawn: (words) => control(spawn(words)),
  kill: ([id = ""]) => control({ kill: id }),
  bind: ([from = "", to = ""]) => control({ bind: { from, to } }),
  mount: ([service = "", at = ""]) => control({ mount: { service, at } }),
  lifecycle: ([action = ""]) => `ECHO /queen/lifecycle/ctl ${action}`,
};

/**
 * The console line for a command as people and scripts type it (facts §4, §11): `echo "text" > /path`, `log`,
 * `spawn heartbeat ticks=5`, `kill`, `bind`, `mount`, `lifecycle drain`, and every console verb as it stands.
 * @throws Fault `script.unknown` for what only the original's client does by itself (telemetry push, pool bench,
 * tcp-diag)
 */
export function clientLine(text: string): string {
  const [, name = "", rest = ""] = /^[ \t]*(\S+)[ \t]*(.*)$/.exec(text) ?? [];
  const form = Object.hasOwn(forms, name.toLowerCase()) ? forms[name.toLowerCase()] : undefined;
  if (form)
    return form(
      rest.split(/[ \t]+/).filter((word) => word !== ""),
      rest,
    );
  const verb = verbOf(name);
  if (verb === undefined) throw fault.unknown(name);
  return rest === "" ? verb : `${verb} ${rest}`;
}
