import { readFileSync, statSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { Fault } from "@skep/fault";
import { suggest } from "@skep/text";
import { checkTogether } from "./check.ts";
import { problem, withCure } from "./faults.ts";
import { checkProduction } from "./production.ts";
import { homeSecret, makeSecret, readSecret } from "./secret.ts";
import { credentialOf, envOf, type SecretSetting, type Setting } from "./setting.ts";
import { secrets, settings } from "./settings.table.ts";
import { type Leaf, readToml } from "./toml.ts";
import {
  describeOrigin,
  type GivenSecret,
  type Key,
  type Origin,
  type SecretKey,
  type Values,
} from "./values.ts";

/** Where values may come from. */
export interface ConfigSources {
  readonly home: string;
  /** Read instead of `skep.toml` in the home; must be there. */
  readonly file?: string | undefined;
  /** Variables that hold secrets are removed from it. */
  readonly env: Record<string, string | undefined>;
  /** By the name of the flag, without its dashes. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** The effective configuration. */
export interface Config {
  readonly values: Values;
  readonly origins: Readonly<Record<Key, Origin>>;
  /** The others are made for the home: see `allSecrets`. */
  readonly given: ReadonlyMap<SecretKey, GivenSecret>;
  /** The file that was read, where there was one. */
  readonly path: string | undefined;
  readonly warnings: readonly string[];
  /** Reads the same sources again. Secrets of flags and variables, which are read once, stay as they were. */
  readonly again: () => Examined;
}

/** A configuration with everything that is wrong with it. */
export interface Examined {
  readonly config: Config;
  readonly problems: readonly Fault[];
}

interface Loading {
  readonly sources: ConfigSources;
  readonly path: string | undefined;
  /** Others than its owner may read the file. */
  readonly shared: boolean;
  readonly leaves: ReadonlyMap<string, Leaf>;
  readonly problems: Fault[];
  readonly warnings: string[];
}

/** Every secret's name. */
export const secretKeys = Object.keys(secrets) as readonly SecretKey[];

const table: Readonly<Record<string, Setting<unknown>>> = settings;
const secretTable: Readonly<Record<string, SecretSetting>> = secrets;
const fileKeys = [...Object.keys(settings), ...Object.keys(secrets).flatMap((key) => [key, `${key}_file`])];

function readFile(sources: ConfigSources): { path: string; text: string; shared: boolean } | undefined {
  const path = sources.file === undefined ? join(sources.home, "skep.toml") : resolve(sources.file);
  try {
    return { path, text: readFileSync(path, "utf8"), shared: (statSync(path).mode & 0o077) !== 0 };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : cause;
    if (code === "ENOENT" && sources.file === undefined) return undefined;
    throw problem("file", `Cannot read ${path}: ${code}`, "Name a file that you may read", cause);
  }
}

function attempt<T>(loading: Loading, act: () => T): T | undefined {
  try {
    return act();
  } catch (thrown) {
    if (!(thrown instanceof Error && "kind" in thrown)) throw thrown;
    loading.problems.push(thrown as Fault);
    return undefined;
  }
}

const prefix = "SKEP_";

function meant(name: string, known: Iterable<string>): string {
  const near = suggest(name, known);
  return near.length > 0 ? `Did you mean ${near.join(" or ")}? ` : "";
}

function checkNames({ leaves, path, problems, warnings, sources }: Loading): void {
  for (const { key, line } of leaves.values()) {
    if (fileKeys.includes(key)) continue;
    const where = path === undefined ? "" : describeOrigin({ from: "file", path, line });
    const cure = `${meant(key, fileKeys)}skep config doc shows every setting`;
    problems.push(problem("unknown", `Cannot use ${where}: unknown setting ${key}`, cure));
  }
  const variables = [
    ...Object.entries(table).map(([key, declared]) => envOf(key, declared)),
    ...Object.entries(secretTable).flatMap(([key, each]) => [envOf(key, each), `${envOf(key, each)}_FILE`]),
  ];
  // Compared without their prefix, which would make every short name look like every other.
  const known = variables.map((name) => name.slice(prefix.length));
  for (const name of Object.keys(sources.env)) {
    if (!name.startsWith(prefix) || variables.includes(name)) continue;
    const near = suggest(name.slice(prefix.length), known).map((each) => prefix + each);
    if (near.length > 0)
      warnings.push(`Environment variable ${name} is no setting; did you mean ${near.join(" or ")}?`);
  }
}

/** Given texts of a setting, strongest first. */
function* textsOf(
  { sources, leaves, path }: Loading,
  key: string,
  declared: Setting<unknown>,
): Generator<[unknown, Origin]> {
  const flag = declared.flag === undefined ? undefined : sources.flags[declared.flag];
  if (flag !== undefined) yield [flag, { from: "flag", name: `--${declared.flag}` }];
  const name = envOf(key, declared);
  const env = sources.env[name];
  if (env !== undefined && env !== "") yield [env, { from: "environment", name }];
  const leaf = leaves.get(key);
  if (leaf && path !== undefined) yield [leaf.value, { from: "file", path, line: leaf.line }];
}

function readSetting(loading: Loading, key: string, declared: Setting<unknown>): [unknown, Origin] {
  for (const [raw, origin] of textsOf(loading, key, declared)) {
    const read = declared.kind.schema.safeParse(raw);
    if (read.success) return [read.data, origin];
    const why = read.error.issues.map(({ message }) => message).join("; ");
    const text = `Cannot use ${key} from ${describeOrigin(origin)}, ${JSON.stringify(raw)}: ${why}`;
    loading.problems.push(
      problem("value", text, `Its default is ${declared.kind.show(declared.fallback)}. ${declared.doc}`),
    );
    break;
  }
  return [declared.fallback, { from: "default" }];
}

/** Takes a variable out of the environment, so that no child inherits it. */
function take(env: Record<string, string | undefined>, name: string): string | undefined {
  const value = env[name];
  delete env[name];
  return value === "" ? undefined : value;
}

function textOf(key: string, { value }: Leaf, origin: Origin): string {
  if (typeof value === "string") return value;
  const text = `Cannot use ${key} from ${describeOrigin(origin)}: it is no text`;
  throw problem("secret", text, "Put it in quotes");
}

function readInline(loading: Loading, key: string, leaf: Leaf, origin: Origin): GivenSecret {
  if (loading.shared && !wellKnown(loading)) {
    const text = `Cannot use ${key} from ${describeOrigin(origin)}: others than its owner may read that file`;
    throw problem("secret", text, `Run chmod 600 ${loading.path}, or name a file of its own in ${key}_file`);
  }
  return { secret: makeSecret(textOf(key, leaf, origin), describeOrigin(origin)), origin };
}

const wellKnown = ({ leaves }: Loading) => leaves.get("compat.well_known_secrets")?.value === true;

function findSecret(loading: Loading, key: string, declared: SecretSetting): GivenSecret | undefined {
  const { sources, leaves, path } = loading;
  const name = envOf(key, declared);
  const [direct, named] = [take(sources.env, name), take(sources.env, `${name}_FILE`)];
  const flag = declared.flag === undefined ? undefined : sources.flags[declared.flag];
  if (typeof flag === "string")
    return { secret: readSecret(flag), origin: { from: "flag", name: `--${declared.flag}` } };
  if (direct !== undefined)
    return { secret: makeSecret(direct, name), origin: { from: "environment", name } };
  if (named !== undefined)
    return { secret: readSecret(named), origin: { from: "environment", name: `${name}_FILE` } };
  const dir = sources.env.CREDENTIALS_DIRECTORY;
  const credential = dir ? join(dir, credentialOf(key)) : undefined;
  if (credential !== undefined && statSync(credential, { throwIfNoEntry: false }))
    return {
      secret: readSecret(credential, { shared: true }),
      origin: { from: "credential", name: credentialOf(key) },
    };
  if (path === undefined) return undefined;
  const reference = leaves.get(`${key}_file`);
  const origin = (leaf: Leaf): Origin => ({ from: "file", path, line: leaf.line });
  if (reference) {
    const file = textOf(`${key}_file`, reference, origin(reference));
    const plain = file.startsWith("fd:") || isAbsolute(file);
    return { secret: readSecret(plain ? file : join(path, "..", file)), origin: origin(reference) };
  }
  const leaf = leaves.get(key);
  return leaf && readInline(loading, key, leaf, origin(leaf));
}

/** The configuration with everything that is wrong with it; never throws for what an operator wrote. */
export function examineConfig(sources: ConfigSources): Examined {
  const problems: Fault[] = [];
  const warnings: string[] = [];
  const empty: Loading = { sources, path: undefined, shared: false, leaves: new Map(), problems, warnings };
  const file = attempt(empty, () => readFile(sources));
  const leaves = file && attempt(empty, () => readToml(file.text, file.path));
  const loading: Loading = {
    ...empty,
    path: file?.path,
    shared: file?.shared === true,
    leaves: new Map(leaves?.map((leaf) => [leaf.key, leaf])),
  };
  checkNames(loading);
  const read = Object.entries(table).map(([key, each]) => [key, readSetting(loading, key, each)] as const);
  const given = new Map<SecretKey, GivenSecret>();
  for (const [key, declared] of Object.entries(secretTable)) {
    const found = attempt(loading, () => findSecret(loading, key, declared));
    if (found) given.set(key as SecretKey, found);
  }
  // Both records have one entry for each setting of the table, read by that setting's own schema.
  const values = Object.fromEntries(read.map(([key, [value]]) => [key, value])) as unknown as Values;
  const origins = Object.fromEntries(read.map(([key, [, origin]]) => [key, origin])) as Record<Key, Origin>;
  if (problems.length === 0)
    problems.push(...checkTogether(values, origins), ...checkProduction(values, origins, given));
  if (values["compat.well_known_secrets"])
    warnings.push(
      "Secrets of the console are the well-known ones of the original; whoever reaches it is queen",
    );
  const again = () => examineAgain(sources, given);
  return { config: { values, origins, given, path: file?.path, warnings, again }, problems };
}

const readOnce: ReadonlySet<Origin["from"]> = new Set(["flag", "environment"]);

function examineAgain(sources: ConfigSources, before: ReadonlyMap<SecretKey, GivenSecret>): Examined {
  const named = Object.values(secretTable).map(({ flag }) => flag);
  const flags = Object.fromEntries(Object.entries(sources.flags).filter(([name]) => !named.includes(name)));
  const { config, problems } = examineConfig({ ...sources, env: { ...sources.env }, flags });
  const kept = [...before].filter(([, { origin }]) => readOnce.has(origin.from));
  return { config: { ...config, given: new Map([...config.given, ...kept]) }, problems };
}

/** The configuration of a hive. Faults: the first of `config.*`; its cure tells how many more there are. */
export function loadConfig(sources: ConfigSources): Config {
  const { config, problems } = examineConfig(sources);
  const [first] = problems;
  if (!first) return config;
  if (problems.length === 1) throw first;
  const more = `${problems.length - 1} more: skep config check shows all`;
  throw withCure(first, [first.cure, more].filter(Boolean).join(". "));
}

/** Every secret: the given ones, and those that this home keeps, made where it has none yet. */
export function allSecrets(config: Config, home: string): Readonly<Record<SecretKey, GivenSecret>> {
  return Object.fromEntries(
    secretKeys.map((key) => [
      key,
      config.given.get(key) ?? { secret: homeSecret(home, key), origin: { from: "home" } satisfies Origin },
    ]),
  ) as Record<SecretKey, GivenSecret>;
}
