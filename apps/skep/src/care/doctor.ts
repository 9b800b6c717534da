import { existsSync, readdirSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { type Fault, toFault } from "@skep/fault";
import { readPointer } from "@skep/kernel";
import { judgeSpace, openFiles } from "@skep/storage";
import { formatBytes, formatTime } from "@skep/text";
import { connect, homeTarget } from "../client/connect.ts";
import { checkConfig, checkHome, type ConfigSources, examineConfig } from "../config/mod.ts";
import { missingKeyCure, missingKeys } from "../hive/keys.ts";
import { lock, places } from "../hive/storage.ts";
import { bad, counted, type Finding, note, ok, warning } from "./finding.ts";

/** What is examined, and from where its facts come. */
export interface Patient {
  readonly home: string;
  readonly uid: number;
  readonly nodeVersion: string;
  readonly sources: ConfigSources;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const fromFault = (about: string, { message, cure }: Fault): Finding =>
  bad(about, message, cure ?? "See `skep help`");

function checkNode({ nodeVersion }: Patient): Finding {
  const [major = 0] = nodeVersion.split(".").map(Number);
  if (major < 24) return bad("node", `version ${nodeVersion} is too old`, "Use Node 24 or newer");
  return ok("node", nodeVersion);
}

function checkTheHome({ home, uid }: Patient): Finding {
  try {
    if (!checkHome(home, uid)) return note("home", `${home} is not there yet`, "`skep up` makes it");
    return ok("home", home);
  } catch (thrown) {
    return fromFault("home", toFault(thrown));
  }
}

function* checkConfiguration({ sources }: Patient): Generator<Finding> {
  const { path, problems, warnings } = checkConfig(sources);
  for (const { message, cure } of problems) yield bad("config", message, cure ?? "See `skep config doc`");
  for (const text of warnings) yield warning("config", text, "See `skep config show`");
  const { config } = examineConfig(sources);
  if (config.values["compat.well_known_secrets"])
    yield warning(
      "secrets",
      "compat.well_known_secrets is on: everyone knows the console's secrets",
      "Set it to false where this is no test of compatibility",
    );
  if (problems.length === 0) yield ok("config", path ?? "no file; the defaults");
}

/** Magic numbers of file systems on which a home does not belong. */
const poor: Readonly<Record<number, string>> = {
  26985: "NFS, whose locks and syncs are not to be relied on",
  16914836: "memory: it is gone at the next start of the machine",
  4283649346: "CIFS, whose locks and syncs are not to be relied on",
};

async function checkDisk({ home, sources }: Patient): Promise<readonly Finding[]> {
  const { bavail, bsize, blocks, type } = await statfs(home);
  const { values } = examineConfig(sources).config;
  const levels = { low: values["disk.warn_percent"] / 100, tight: values["disk.stop_percent"] / 100 };
  const { level, freeBytes, freeRatio } = judgeSpace({ free: bavail * bsize, total: blocks * bsize }, levels);
  const text = `${formatBytes(freeBytes)} free, ${Math.round(freeRatio * 1000) / 10} %`;
  const cure = "Free space on the file system of the home, or see `skep gc`";
  const found = [level === "ok" ? ok("disk", text) : (level === "low" ? warning : bad)("disk", text, cure)];
  const why = poor[type];
  if (why !== undefined) found.push(warning("disk", `the home is on ${why}`, "Move it to a local disk"));
  return found;
}

const privateFiles = ["owner.ticket", "skep.toml"];

function* secretsOf(home: string): Generator<string> {
  for (const name of privateFiles) if (existsSync(join(home, name))) yield join(home, name);
  for (const dir of ["keys", "secrets", "workers"]) {
    if (!existsSync(join(home, dir))) continue;
    for (const name of readdirSync(join(home, dir), { recursive: true }).map(String))
      yield join(home, dir, name);
  }
}

// A directory of 0700 above keeps others out, but a copy of a key keeps its mode.
function checkModes({ home, uid }: Patient): readonly Finding[] {
  const found: Finding[] = [];
  for (const path of secretsOf(home)) {
    const { mode, uid: owner } = statSync(path);
    if (owner !== uid)
      found.push(bad("modes", `${path} belongs to user ${owner}`, `Run chown ${uid} ${path}`));
    else if ((mode & 0o077) !== 0 && !path.endsWith("skep.toml"))
      found.push(
        bad("modes", `others may use ${path} (${(mode & 0o777).toString(8)})`, `Run chmod go= ${path}`),
      );
  }
  return found.length > 0 ? found : [ok("modes", "keys, secrets and tickets are yours alone")];
}

function checkKeys({ home }: Patient): readonly Finding[] {
  return missingKeys(home).map((name) => bad("keys", `${name} is not there`, missingKeyCure(home, name)));
}

interface Boot {
  readonly version?: string;
  readonly epoch?: number;
  readonly warnings?: readonly string[];
}

async function askHive({ home, env }: Patient): Promise<readonly Finding[]> {
  await using client = await connect(homeTarget(home, env));
  const read = async (path: string): Promise<string> => (await client.readAll(path)).toString().trim();
  const boot = JSON.parse(await read("/proc/boot.json")) as Boot;
  const found: Finding[] = [ok("daemon", `up, version ${boot.version}, epoch ${boot.epoch}`)];
  for (const text of boot.warnings ?? []) found.push(warning("daemon", text, "See `skep cat /proc/boot`"));
  const state = (await read("/proc/lifecycle/state")).replace(/^state=/, "");
  if (state !== "ONLINE")
    found.push(
      warning(
        "daemon",
        `it is ${state}: ${await read("/proc/lifecycle/reason")}`,
        "See `skep cat /proc/lifecycle/reason`",
      ),
    );
  if ((await read("/proc/lifecycle/clock")) === "clock=untrusted")
    found.push(
      warning(
        "clock",
        "the wall clock jumped",
        'Set it right, then run `skep echo \'{"clock":"confirm"}\' /queen/ctl`',
      ),
    );
  return found;
}

function checkLock({ home }: Patient): Finding {
  try {
    lock(home)[Symbol.dispose]();
    return note("daemon", "down", "Start it with `skep up`");
  } catch (thrown) {
    const { code, message } = toFault(thrown);
    if (code !== "home.held") throw thrown;
    return bad(
      "daemon",
      `it does not answer, and ${message}`,
      "Wait until it has started, or stop that process",
    );
  }
}

async function checkDaemon(patient: Patient): Promise<readonly Finding[]> {
  try {
    return await askHive(patient);
  } catch (thrown) {
    const fault = toFault(thrown);
    return fault.code === "client.down" ? [checkLock(patient)] : [fromFault("daemon", fault)];
  }
}

function* checkClock({ home, now }: Patient): Generator<Finding> {
  const dir = join(places.files(home), "journal");
  const newest = Math.max(0, ...readdirSync(dir).map((name) => statSync(join(dir, name)).mtimeMs));
  if (newest > now + 5000)
    yield bad(
      "clock",
      `it is ${formatTime(now)}, and the journal was written at ${formatTime(newest)}`,
      "Set the clock of this machine, and have it kept by NTP",
    );
  else yield ok("clock", formatTime(now));
}

async function checkJournal({ home }: Patient, up: boolean): Promise<readonly Finding[]> {
  const files = openFiles(places.files(home));
  const names = (await files.list("journal")).filter((name) => name.endsWith(".seg"));
  if (names.length === 0) return [note("journal", "empty")];
  const found: Finding[] = [];
  const clean = up || (await files.size("journal/end")) !== undefined;
  if (clean) found.push(ok("journal", counted(names.length, "segment")));
  else
    found.push(
      note(
        "journal",
        "no clean stop is noted: a crash, or a restored backup; the next start checks the end and cuts a torn write",
        "To look now: `skep fsck`",
      ),
    );
  const pointer = await readPointer(files);
  const text = pointer
    ? `state after ${counted(pointer.seq, "record")}`
    : "none yet; each start folds the journal";
  found.push(pointer ? ok("snapshot", text) : note("snapshot", text));
  return found;
}

async function checkSandbox(): Promise<readonly Finding[]> {
  const { probe } = await import("@skep/sandbox");
  const { layers, missing } = await probe();
  const found: Finding[] = [];
  if (layers.length > 0) found.push(ok("sandbox", layers.join(", ")));
  for (const { layer, reason, cure } of missing) found.push(note("sandbox", `no ${layer}: ${reason}`, cure));
  return found;
}

/** Examines a home and the machine below it; changes nothing. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const home = checkTheHome(patient);
  const found: Finding[] = [checkNode(patient), home, ...checkConfiguration(patient)];
  if (home.state !== "ok") return [...found, ...(await checkSandbox())];
  const daemon = await checkDaemon(patient);
  found.push(...(await checkDisk(patient)), ...checkModes(patient), ...checkKeys(patient), ...daemon);
  if (existsSync(join(places.files(patient.home), "journal"))) {
    const up = daemon[0]?.state === "ok";
    found.push(...(await checkJournal(patient, up)));
    if (!daemon.some(({ about }) => about === "clock")) found.push(...checkClock(patient));
  }
  return [...found, ...(await checkSandbox())];
}
