import type { Clock } from "@skep/clock";
import { type Fault, faults } from "@skep/fault";
import type { Kernel, Session } from "@skep/kernel";
import { createSigner as createLogSigner, type Signer } from "@skep/tlog";
import { keeperIn } from "../agent/place.ts";
import { realClock } from "../clock.ts";
import { type Config, limitsOf } from "../config/mod.ts";
import { migrateHome } from "../home/format.ts";
import { openChecker } from "../policy/checker.ts";
import { giveFirstValues } from "../policy/first-values.ts";
import { version } from "../version.ts";
import { Asking } from "../witness/attach.ts";
import { Door } from "./door.ts";
import { type Fold, openFold } from "./fold.ts";
import { chanceOf, type HiveKeys, hiveKeys, signsOf } from "./keys.ts";
import { Live } from "./live.ts";
import { Net } from "./net.ts";
import { Members, peersDeps } from "./members.ts";
import { type Deps, jobLimits, mounts } from "./mounts.ts";
import { journalPending } from "./pending.ts";
import { applyConfigured } from "./policies.ts";
import { publishConfigured } from "./published.ts";
import { scheduledBy } from "./scheduled.ts";
import { finishRotations } from "./rotate.ts";
import { openKernel } from "./open-kernel.ts";
import { manifestDeps, noteManifest } from "../manifest/attach.ts";
import { Running } from "../manifest/running.ts";
import { type HomeStorage, lock, openStorage } from "./storage.ts";
import { warmPast } from "./warm.ts";

const fault = faults("hive", {
  stopped: ["internal", "Cannot go on: a write to the disk failed; the next start recovers from the journal"],
});

/** What a hive is started with. */
export interface HiveOptions {
  readonly home: string;
  readonly config: Config;
  /** A line for the operator; escaped by the writer. */
  readonly log: (line: string) => void;
  /** The disk failed: the process must end now. */
  readonly fatal: (fault: Fault) => void;
  /** The time of the kernel and its providers; the machine's when left out. */
  readonly clock?: Clock;
}

/** A running hive without its edges. */
export interface Hive extends AsyncDisposable {
  readonly home: string;
  readonly config: Config;
  readonly kernel: Kernel;
  readonly door: Door;
  readonly keys: HiveKeys;
  readonly storage: HomeStorage;
  /** Names the log in its checkpoints. */
  readonly origin: string;
  readonly logSigner: Signer;
  readonly live: Live;
  readonly net: Net;
  /** The owner's session, for what the program does itself. */
  readonly owner: Session;
}

/** Locks the home, recovers by replay and opens the one door. Throws `journal.*`, `lock.*` and `config.*` faults. */
export async function openHive(options: HiveOptions): Promise<Hive> {
  const held = lock(options.home, { daemon: true });
  try {
    return await open(options, () => held[Symbol.dispose]());
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** What a start found, for `/kmesg`. */
function* startLines({ journal, recovered, slices }: Kernel, ms: number): Generator<string> {
  const { records, cut } = journal.opened;
  yield `skep ${version} on Node ${process.versions.node}`;
  yield `journal: ${records} records in ${journal.segments.names.length} segments, ${cut} bytes of a torn write cut`;
  const from = recovered.snapshot === undefined ? "from genesis" : `on the snapshot at ${recovered.snapshot}`;
  yield `state: ${recovered.folded} records folded ${from}, epoch ${slices.kernel.epoch.get()}`;
  yield `ready after ${ms} ms`;
}

// Read at each look at the disk: both may change while the daemon runs.
function levelsOf({ values }: Config): { readonly low: number; readonly tight: number } {
  return {
    get low() {
      return values["disk.warn_percent"] / 100;
    },
    get tight() {
      return values["disk.stop_percent"] / 100;
    },
  };
}

interface Opening {
  readonly keys: HiveKeys;
  readonly fatal: (fault: Fault) => void;
  readonly say: (line: string) => void;
}

/** The kernel over a home's storage, with every provider mounted. */
function openOver(storage: HomeStorage, deps: Deps, { keys, fatal, say }: Opening): Promise<Kernel> {
  return openKernel(
    {
      files: storage.files,
      index: storage.index,
      providers: mounts({ ...deps, checker: openChecker() }),
      version,
      clock: deps.clock,
      limits: limitsOf(deps.config.values),
      defer: setImmediate,
      fatal: (error) => fatal(fault.stopped(undefined, { cause: error })),
      chance: chanceOf(deps.home, keys.origin),
      born: () => ({ id: keys.hive, name: keys.hive }),
      space: () => storage.space.now?.level ?? "ok",
      log: say,
      fold: (seq) => deps.fold.snapshot(seq),
    },
    storage.reserve,
  );
}

/** What providers are given of a home's storage. */
function keptIn({ blobs, files, index }: HomeStorage): Pick<Deps, "blobs" | "files" | "index"> {
  return { blobs, files, index };
}

async function migrate(home: string, log: (line: string) => void): Promise<void> {
  const migrated = await migrateHome(home);
  if (!migrated) return;
  const { from, to, copy } = migrated;
  log(`home migrated from format ${from} to ${to}; it is kept as it was in ${copy}`);
}

async function open(options: HiveOptions, unlock: () => void): Promise<Hive> {
  const { home, config: given, log, fatal, clock = realClock } = options;
  const begun = Date.now();
  const running = new Running(given);
  const { config } = running;
  await migrate(home, log);
  finishRotations(home);
  const keys = hiveKeys(home);
  let kernel: Kernel | undefined;
  let say = log;
  const storage = await openStorage(home, {
    reserve: config.values["disk.reserve"],
    levels: levelsOf(config),
    written: () => kernel?.journal.written ?? 0,
    log: (line) => say(line),
  });
  const logSigner = createLogSigner(keys.origin, keys.log.key);
  const opened = Promise.withResolvers<Kernel>();
  const live = (): Kernel => {
    if (!kernel) throw fault.stopped("not open yet");
    return kernel;
  };
  const fold: Fold = openFold(home, log, config.values);
  const net = new Net(keys);
  const figures = new Live(running, storage, live);
  say = (line) => {
    figures.lines.push(line);
    log(line);
  };
  const witnesses = new Asking({ home, keys, signer: logSigner, kernel: live, say: (line) => say(line) });
  const deps: Deps = {
    home,
    config,
    ...keptIn(storage),
    scheduled: scheduledBy(opened.promise),
    ended: (job) => storage.index.find("job", job),
    live: figures,
    journal: () => live().journal,
    record: (seq) => live().journal.record(seq),
    logSigner,
    witnesses,
    origin: keys.origin,
    fold,
    keeper: keeperIn(home, keys.hive, opened.promise),
    limits: jobLimits(config),
    signs: signsOf(keys),
    manifest: manifestDeps(running, home, (line) => say(line)),
    peers: peersDeps(new Members(home, keys, () => live().time.now()), keys, net),
    clock,
    started: Date.now(),
  };
  const started = await openOver(storage, deps, { keys, fatal, say });
  kernel = started;
  opened.resolve(started);
  await journalPending(home, started);
  for (const line of startLines(started, Date.now() - begun)) say(line);
  noteManifest(started, running);
  giveFirstValues(started, config, keys, say);
  witnesses.start(config.values["audit.witness_interval"]);
  const warming = warmPast(fold, started.journal, clock);
  const door = new Door(started, keys, "owner");
  const owner = await applyConfigured(door.owner("daemon"), config, say);
  await publishConfigured(owner, config, say);
  return {
    home,
    config,
    kernel: started,
    door,
    keys,
    storage,
    origin: keys.origin,
    logSigner,
    live: figures,
    net,
    owner,
    [Symbol.asyncDispose]: async () => {
      witnesses.stop();
      warming.stop();
      await started.close();
      await fold.close();
      figures.stop();
      await storage[Symbol.asyncDispose]();
      unlock();
    },
  };
}
