import { existsSync, type FSWatcher, mkdirSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "@skep/clock";
import { type Book, enter, type Judgement, rulesJson } from "@skep/owner";
import type { SandboxPool, Stopped } from "@skep/sandbox";
import { ownerPlaces, readBook, readPause, writeBook, writeState } from "./folder.ts";
import { type Loaded, reloadRules, sameCaps } from "./load.ts";
import { lentMs } from "./proc.ts";
import { type Cause, OwnerWatch, type Sources } from "./watch.ts";

/** What the keeper needs of the worker. */
export interface Tenant {
  /** Work stands still, or goes on: new leases go back, the hive is told. */
  changed(judgement: Judgement): void;
  /** Everything that was taken goes back to the hive; fulfils when the jobs have ended here. */
  giveBack(): Promise<number>;
  /** Jobs that ended since it was last asked. */
  ended(): number;
}

/** What a keeper is made of. */
export interface KeeperOptions {
  /** The worker's folder. */
  readonly folder: string;
  /** Files that may hold the rules, the first that is there counts. */
  readonly files: readonly string[];
  readonly loaded: Loaded;
  readonly worker: string;
  readonly sources: Sources;
  readonly clock: Clock;
  readonly pool: Pick<SandboxPool, "freeze" | "thaw" | "rest">;
  readonly tenant: Tenant;
  /** How each cap is enforced here, or why not. */
  readonly limits: readonly { readonly what: string; readonly how: string }[];
  readonly log: (line: string) => void;
}

/** The book is brought up to date so often, milliseconds: a crash costs no more. */
const bookEvery = 60_000;
/** The folder is looked at so often where it cannot be watched, milliseconds. */
const lookEvery = 1000;

/** Carries out what the owner's rules say: stops work before its owner notices it, and keeps the book. */
export class OwnerKeeper implements AsyncDisposable {
  readonly #options: KeeperOptions;
  readonly #watch: OwnerWatch;
  #loaded: Loaded;
  #book: Book;
  #stopped: Stopped | undefined;
  #runs = true;
  /** Stops that are not measured yet. */
  #proofs = 0;
  #cpuMs = 0;
  #givenBack = 0;
  #givingBack: Promise<void> | undefined;
  #rest: { stop(): void } | undefined;
  #watchers: FSWatcher[] = [];
  #timers: NodeJS.Timeout[] = [];
  #seenFiles = "";

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#loaded = options.loaded;
    const { folder, sources, clock } = options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#book = readBook(folder);
    this.#watch = new OwnerWatch({
      sources,
      clock,
      rules: options.loaded.rules,
      changed: (judgement, cause) => this.#changed(judgement, cause),
    });
  }

  get judgement(): Judgement {
    return this.#watch.judgement;
  }

  /** The rules as the hive may read them. */
  get rules(): Record<string, unknown> {
    return this.#loaded.file === undefined ? {} : rulesJson(this.#loaded.rules);
  }

  /** Begins to look; fulfils when the machine was judged once. */
  async start(): Promise<void> {
    const { clock, folder, files, sources } = this.#options;
    this.#cpuMs = lentMs(sources.proc, process.pid);
    this.#watch.setPause(readPause(folder));
    await this.#watch.start();
    if (this.#runs) this.#enter({ kind: "run", at: clock.now() });
    this.#follow([...new Set([folder, ...files.map((file) => dirname(file))])]);
    this.#timers.push(setInterval(() => this.#lent(), bookEvery).unref());
    this.#save();
  }

  #follow(folders: readonly string[]): void {
    const { files, folder } = this.#options;
    const names = new Set([...files, ownerPlaces.pause(folder)].map((file) => basename(file)));
    for (const dir of folders.filter((one) => existsSync(one)))
      try {
        const watcher = watch(dir, (_kind, name) => {
          if (name === null || names.has(name)) this.#lookAtFiles();
        }).unref();
        watcher.on("error", () => watcher.close());
        this.#watchers.push(watcher);
      } catch {
        // Then only the timer tells.
      }
    this.#timers.push(setInterval(() => this.#lookAtFiles(), lookEvery).unref());
  }

  /** Rules and the owner's word, where they changed. */
  #lookAtFiles(): void {
    const { folder, files, log } = this.#options;
    const pause = readPause(folder);
    const loaded = reloadRules(files, this.#loaded);
    const seen = JSON.stringify([pause, loaded]);
    if (seen === this.#seenFiles) return;
    const isFirst = this.#seenFiles === "";
    this.#seenFiles = seen;
    this.#watch.setPause(pause);
    if (isFirst && !loaded.broken && JSON.stringify(loaded.rules) === JSON.stringify(this.#loaded.rules))
      return;
    if (!sameCaps(loaded.rules.caps, this.#options.loaded.rules.caps))
      log("owner: the caps changed; they count when this worker is started again");
    if (loaded.broken) log(`owner: work stands still: ${loaded.broken}`);
    this.#loaded = { rules: loaded.rules, file: loaded.file };
    void this.#watch.setRules(loaded.rules, loaded.broken).then(() => {
      this.#options.tenant.changed(this.judgement);
      this.#save();
    });
  }

  #changed(judgement: Judgement, cause: Cause): void {
    const runs = judgement.state === "run";
    if (!runs) this.#stop(judgement, cause);
    else if (!this.#runs) this.#go();
    this.#options.tenant.changed(judgement);
    if (judgement.state === "give-back" || judgement.state === "paused") this.#giveBack();
    // Writing takes a moment: a stop is measured first.
    if (this.#proofs === 0) this.#save();
  }

  #stop({ reasons }: Judgement, cause: Cause): void {
    const { pool, clock, log } = this.#options;
    const rule = reasons[0]?.rule ?? "pause";
    if (!this.#runs) {
      this.#enter({ kind: "stop", at: clock.now(), rule });
      return;
    }
    this.#runs = false;
    const asked = performance.now();
    const at = clock.now();
    const proof = pool.freeze();
    const late =
      cause.event === undefined ? undefined : Math.max(0, at - (asked - cause.detected) - cause.event);
    this.#proofs += 1;
    void proof.then((stopped) => {
      this.#proofs -= 1;
      this.#stopped = stopped;
      const latency = asked - cause.detected + stopped.ms;
      if (!stopped.seen && !this.#runs)
        log(`owner: not all that runs was seen to stop within ${stopped.ms} ms`);
      const fromEvent = late === undefined ? {} : { fromEvent: late + latency };
      this.#enter({ kind: "stop", at, rule, ...(stopped.seen ? { latency, ...fromEvent } : {}) });
      this.#save();
    });
    this.#rest = clock.after(this.#loaded.rules.rest, () => pool.rest());
  }

  #go(): void {
    this.#runs = true;
    this.#rest?.stop();
    const begin = () => {
      this.#givingBack = undefined;
      if (!this.#runs) return;
      this.#options.pool.thaw();
      this.#enter({ kind: "run", at: this.#options.clock.now() });
      this.#save();
    };
    // What is going back must not run on.
    if (this.#givingBack) void this.#givingBack.then(begin);
    else begin();
  }

  #giveBack(): void {
    const { tenant, pool } = this.#options;
    this.#givingBack ??= (async () => {
      // The processes end only when the pool, at rest, lets go of what was killed.
      const ended = tenant.giveBack();
      pool.rest();
      this.#givenBack += await ended;
      pool.rest();
    })();
  }

  #lent(): void {
    const { clock, sources, tenant } = this.#options;
    const spent = lentMs(sources.proc, process.pid);
    const cpuMs = Math.max(0, spent - this.#cpuMs);
    this.#cpuMs = spent;
    this.#enter({ kind: "lent", at: clock.now(), cpuMs, jobs: tenant.ended(), givenBack: this.#givenBack });
    this.#givenBack = 0;
    this.#save();
  }

  #enter(entry: Parameters<typeof enter>[1]): void {
    this.#book = enter(this.#book, entry);
  }

  #save(): void {
    const { folder, worker, clock, limits, log } = this.#options;
    const { state, since, reasons, until, blind, gpus } = this.judgement;
    const { file } = this.#loaded;
    try {
      writeState(folder, {
        ...{ v: 1, pid: process.pid, worker, at: clock.now(), state, since },
        ...{ reasons: [...reasons], blind: [...blind] },
        gpus: gpus as never,
        ...(until === undefined ? {} : { until }),
        ...(this.#stopped ? { stopped: this.#stopped } : {}),
        ...(file === undefined ? {} : { file }),
        rules: this.rules,
        means: [...this.#watch.means],
        limits: [...limits],
      });
      writeBook(folder, this.#book);
    } catch (thrown) {
      log(`owner: cannot write what is and was: ${(thrown as Error).message}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const watcher of this.#watchers) watcher.close();
    this.#rest?.stop();
    this.#watch[Symbol.dispose]();
    await this.#givingBack;
    this.#lent();
    this.#enter({ kind: "end", at: this.#options.clock.now() });
    this.#save();
  }
}
