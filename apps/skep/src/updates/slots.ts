import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { decodeManifest, type Manifest } from "@skep/provider-updates";
import { z } from "zod";
import { type Chunk, chunkIn, fillFile, partsOf } from "../chunked/file.ts";
import { ledTo, pointLink } from "../chunked/link.ts";
import { hasCode, readText, replacePrivate, syncDirectory } from "../client/files.ts";
import { fault } from "./faults.ts";
import { checkPayload } from "./pack.ts";

const Trial = z.strictObject({ slot: z.enum(["a", "b"]), before: z.enum(["a", "b"]).nullable() });
type Slot = z.output<typeof Trial>["slot"];

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
    const slot = ledTo(join(this.#dir, "current"));
    return slot === "" ? null : slot === "b" ? "b" : "a";
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
    pointLink(join(this.#dir, "current"), slot === null ? undefined : join("slots", slot), this.#step);
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
  async fill(
    manifest: Manifest,
    bytes: Uint8Array,
    fetch: (digest: string) => Promise<Uint8Array>,
  ): Promise<number> {
    const slot = other(this.current);
    const fetched = await this.#write(slot, manifest, fetch);
    const part = this.#path(slot, "payload.part");
    await checkPayload({ manifest }, part);
    // Only now is the slot no version to go back to: what does not come whole costs nothing.
    rmSync(this.#path(slot, "manifest.cbor"), { force: true });
    syncDirectory(join(this.#dir, "slots", slot));
    this.#step("slot emptied");
    renameSync(part, this.#path(slot, "payload"));
    syncDirectory(join(this.#dir, "slots", slot));
    this.#step("payload there");
    replacePrivate(this.#path(slot, "manifest.cbor"), bytes);
    this.#step("manifest there");
    return fetched;
  }

  async #write(
    slot: Slot,
    { chunks, payloadBytes: bytes }: Manifest,
    fetch: (digest: string) => Promise<Uint8Array>,
  ): Promise<number> {
    const { current } = this;
    const had = this.manifest(current);
    const known = had ? partsOf(had.chunks) : new Map<string, never>();
    await using old = had && current ? await open(this.#path(current, "payload"), "r") : undefined;
    let fetched = 0;
    const find = async ({ digest }: Chunk): Promise<Uint8Array> => {
      const here = known.get(digest);
      const found = here && old && (await chunkIn(old, here));
      if (found) return found;
      const came = await fetch(digest);
      fetched += came.length;
      return came;
    };
    await fillFile(this.#path(slot, "payload.part"), { chunks, bytes }, find, () =>
      this.#step("chunk written"),
    );
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

  /** The version that one can go back to. */
  get before(): Manifest | undefined {
    return this.current === null ? undefined : this.manifest(other(this.current));
  }

  /** Names the last switch of what counts; empty before the first. */
  get switched(): string {
    const link = lstatSync(join(this.#dir, "current"), { bigint: true, throwIfNoEntry: false });
    return link ? `${link.ino}.${link.mtimeNs}` : "";
  }

  /** Goes back to the version before, at once. Throws `update.before`. */
  rollback(): Manifest {
    const { before } = this;
    if (!before) throw fault.before();
    this.#point(other(this.current));
    return before;
  }
}
