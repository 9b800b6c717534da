import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { decodeManifest, type Manifest } from "@skep/provider-updates";
import { z } from "zod";
import { hasCode, readText, replacePrivate, syncDirectory } from "../client/files.ts";
import { fault } from "./faults.ts";
import { checkPayload } from "./pack.ts";
import { partsOf } from "./remote.ts";

const Trial = z.strictObject({ slot: z.enum(["a", "b"]), before: z.enum(["a", "b"]).nullable() });
type Slot = z.output<typeof Trial>["slot"];

/** Where the bytes of a chunk come from, and what tells of each step: a test cuts the power there. */
export interface Source {
  readonly fetch: (digest: string) => Promise<Uint8Array>;
  /** Does something for each chunk, some at a time. */
  readonly each: <T>(all: Iterable<T>, act: (one: T) => Promise<void>) => Promise<void>;
  readonly step?: (name: string) => void;
}

const other = (slot: Slot | null): Slot => (slot === "a" ? "b" : "a");

/**
 * Two slots of a payload and a link to the one that counts. Every change of what counts is one rename: whoever follows
 * `current` sees the version before or the one after, whenever the power went.
 */
export class Slots {
  readonly #dir: string;
  readonly #step: (name: string) => void;

  constructor(dir: string, step: (name: string) => void = () => undefined) {
    this.#dir = dir;
    this.#step = step;
    for (const slot of ["a", "b"]) mkdirSync(join(dir, "slots", slot), { recursive: true, mode: 0o700 });
  }

  #path(slot: Slot, name: string): string {
    return join(this.#dir, "slots", slot, name);
  }

  /** The slot that counts; null for none yet. */
  get current(): Slot | null {
    try {
      return basename(readlinkSync(join(this.#dir, "current"))) === "b" ? "b" : "a";
    } catch (thrown) {
      if (hasCode(thrown, "ENOENT")) return null;
      throw thrown;
    }
  }

  /** The manifest of a slot that is whole. */
  manifest(slot: Slot | null): Manifest | undefined {
    if (slot === null) return undefined;
    try {
      return decodeManifest(readFileSync(this.#path(slot, "manifest.cbor")));
    } catch (thrown) {
      if (hasCode(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  /** The payload that counts. */
  get payload(): string {
    return join(this.#dir, "current", "payload");
  }

  #point(slot: Slot | null): void {
    const link = join(this.#dir, "current");
    if (slot === null) rmSync(link, { force: true });
    else {
      rmSync(`${link}.new`, { force: true });
      symlinkSync(join("slots", slot), `${link}.new`);
      this.#step("link made");
      renameSync(`${link}.new`, link);
    }
    syncDirectory(this.#dir);
    this.#step("link switched");
  }

  #trial(): z.output<typeof Trial> | undefined {
    const text = readText(join(this.#dir, "trial.json"));
    return text === undefined ? undefined : Trial.parse(JSON.parse(text));
  }

  #endTrial(): void {
    rmSync(join(this.#dir, "trial.json"), { force: true });
    syncDirectory(this.#dir);
  }

  /** After a start: what was tried and not found healthy goes. True when it went back. */
  recover(): boolean {
    const trial = this.#trial();
    if (!trial) return false;
    if (this.current === trial.slot) this.#point(trial.before);
    // What was not found healthy is nothing to go back to.
    rmSync(this.#path(trial.slot, "manifest.cbor"), { force: true });
    this.#endTrial();
    return true;
  }

  /** Puts a payload into the slot that does not count, whole and checked; chunks that are here do not travel. */
  async fill(manifest: Manifest, bytes: Uint8Array, source: Source): Promise<{ readonly fetched: number }> {
    const slot = other(this.current);
    // From here on the slot is no version to go back to.
    rmSync(this.#path(slot, "manifest.cbor"), { force: true });
    syncDirectory(join(this.#dir, "slots", slot));
    this.#step("slot emptied");
    const fetched = await this.#write(slot, manifest, source);
    const part = this.#path(slot, "payload.part");
    await checkPayload({ manifest }, part);
    renameSync(part, this.#path(slot, "payload"));
    syncDirectory(join(this.#dir, "slots", slot));
    this.#step("payload there");
    replacePrivate(this.#path(slot, "manifest.cbor"), bytes);
    this.#step("manifest there");
    return { fetched };
  }

  async #write(slot: Slot, manifest: Manifest, { fetch, each }: Source): Promise<number> {
    const { current } = this;
    const had = this.manifest(current);
    const known = had ? partsOf(had) : new Map<string, never>();
    await using old = had && current ? await open(this.#path(current, "payload"), "r") : undefined;
    await using part = await open(this.#path(slot, "payload.part"), "a+").then(async (file) => {
      await file.close();
      return open(this.#path(slot, "payload.part"), "r+");
    });
    const holds = async (file: typeof part, digest: string, length: number, at: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
      const same = bytesRead === length && createHash("sha256").update(buffer).digest("hex") === digest;
      return same ? buffer : undefined;
    };
    let fetched = 0;
    let at = 0;
    const places = manifest.chunks.map(({ digest, bytes }) => {
      at += bytes;
      return { digest, bytes, at: at - bytes };
    });
    await each(places, async ({ digest, bytes, at: place }) => {
      // Written before a cut.
      if (await holds(part, digest, bytes, place)) return;
      const here = known.get(digest);
      let found: Uint8Array | undefined = here && old && (await holds(old, digest, bytes, here.at));
      if (!found) {
        found = await fetch(digest);
        fetched += found.length;
      }
      await part.write(found, 0, found.length, place);
      this.#step("chunk written");
    });
    await part.truncate(manifest.payloadBytes);
    await part.sync();
    return fetched;
  }

  /** Lets the filled slot count while `healthy` says so; else, and after a cut, the version before counts again. */
  async activate(healthy: (payload: string) => Promise<boolean>): Promise<void> {
    const before = this.current;
    const slot = other(before);
    replacePrivate(join(this.#dir, "trial.json"), JSON.stringify({ slot, before }));
    this.#step("trial begun");
    this.#point(slot);
    if (!(await healthy(this.payload))) {
      this.recover();
      throw fault.health(this.manifest(slot)?.epoch);
    }
    this.#step("found healthy");
    this.#endTrial();
    this.#step("trial over");
  }

  /** Goes back to the version before, at once. Throws `update.before`. */
  rollback(): Manifest {
    const before = other(this.current);
    const manifest = this.current === null ? undefined : this.manifest(before);
    if (!manifest) throw fault.before();
    this.#point(before);
    return manifest;
  }
}
