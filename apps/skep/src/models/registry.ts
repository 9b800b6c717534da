import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeManifest, digestForm, type Manifest } from "@skep/provider-models";
import { z } from "zod";
import { ledTo, pointLink } from "../chunked/link.ts";
import { hasCode, readText, replacePrivate } from "../client/files.ts";
import { fault } from "./faults.ts";

const Digest = z.string().regex(digestForm);
const State = z.strictObject({
  /** What was active before, the newest last; empty for nothing. */
  before: z.array(z.union([Digest, z.literal("")])),
  /** What is being switched to, and what `before` is after that; null where nothing is under way. */
  next: z.strictObject({ to: z.union([Digest, z.literal("")]), before: z.array(z.string()) }).nullable(),
  /** The highest serial that each name had here: its folder may be another name's since, or be gone. */
  serials: z.record(z.string(), z.int()).default({}),
});
type State = z.output<typeof State>;

const mostBefore = 16;

/**
 * Models of a machine: `store/<sha256>` has each, `available/<name>` leads to the newest of a name, `current` to the one that
 * counts, whose name stands in `active`. What counts changes by one rename of `current`; all else is made to fit it.
 */
export class Registry {
  readonly #dir: string;
  readonly #step: (name: string) => void;

  constructor(dir: string, step: (name: string) => void = () => undefined) {
    this.#dir = dir;
    this.#step = step;
    for (const name of ["store", "available"]) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
  }

  /** Folder of a model. */
  folder(model: string): string {
    return join(this.#dir, "store", model);
  }

  /** The manifest of a model that is whole. */
  manifest(model: string): Manifest | undefined {
    if (model === "") return undefined;
    try {
      return decodeManifest(readFileSync(join(this.folder(model), "manifest.json")));
    } catch (thrown) {
      if (hasCode(thrown, "ENOENT")) return undefined;
      throw thrown;
    }
  }

  /** Digest of the model that counts; empty for none. */
  get current(): string {
    return ledTo(join(this.#dir, "current"));
  }

  /** Digest of the newest release of a name here; empty for none. */
  newest(name: string): string {
    return ledTo(join(this.#dir, "available", name));
  }

  #state(): State {
    const text = readText(join(this.#dir, "state.json"));
    return text === undefined ? State.parse({ before: [], next: null }) : State.parse(JSON.parse(text));
  }

  #write(change: Partial<State>): void {
    const state = { ...this.#state(), ...change };
    replacePrivate(join(this.#dir, "state.json"), `${JSON.stringify(state)}\n`);
    this.#step("state written");
  }

  #point(link: string, to: string): void {
    pointLink(join(this.#dir, link), to === "" ? undefined : to, this.#step);
  }

  /** After a start: a switch that was under way is ended, or has not begun. True where there was one. */
  recover(): boolean {
    const { before, next } = this.#state();
    const { current } = this;
    if (next) this.#write({ before: current === next.to ? next.before : before, next: null });
    const name = this.manifest(current)?.name ?? "";
    const told = readText(join(this.#dir, "active"))?.trim() ?? "";
    if (told !== name) replacePrivate(join(this.#dir, "active"), name === "" ? "" : `${name}\n`);
    return next !== null;
  }

  #serial(name: string): number {
    const known = this.manifest(this.newest(name));
    const { [name]: kept = 0 } = this.#state().serials;
    return Math.max(kept, known?.name === name ? known.serial : 0);
  }

  /** Throws `model.older` where a newer release of the name is or was here. */
  checkNewer({ name, serial }: Manifest): void {
    const known = this.#serial(name);
    if (known > serial) throw fault.older(`${name} ${serial}, and ${known} is here`);
  }

  /** Lists an installed model under its name. */
  list({ name, model, serial }: Manifest, toml: string): void {
    const { serials } = this.#state();
    if (serials[name] !== serial) this.#write({ serials: { ...serials, [name]: serial } });
    // The original's bridge reads it.
    replacePrivate(join(this.folder(model), "manifest.toml"), toml);
    this.#step("manifest.toml there");
    if (this.newest(name) !== model) this.#point(join("available", name), join("..", "store", model));
  }

  #switch(to: string, before: readonly string[]): void {
    this.#write({ next: { to, before: [...before] } });
    this.#point("current", to === "" ? "" : join("store", to));
    this.recover();
    this.#step("switch over");
  }

  /** Lets an installed model count. Throws `model.none`. */
  activate(model: string): Manifest {
    const manifest = this.manifest(model);
    if (!manifest) throw fault.none(model);
    const { current } = this;
    if (current !== model) this.#switch(model, [...this.#state().before, current].slice(-mostBefore));
    return manifest;
  }

  /** Lets the model before count again; undefined where none was. Throws `model.before`. */
  rollback(): Manifest | undefined {
    const { before } = this.#state();
    const to = before.at(-1);
    if (to === undefined) throw fault.before();
    if (to !== "" && !this.manifest(to)) throw fault.none(to);
    this.#switch(to, before.slice(0, -1));
    return this.manifest(to);
  }
}
