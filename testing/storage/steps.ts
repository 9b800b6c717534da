/**
 * What happened to a disk, one step after the other. `synced` steps make durable what came before `before`, except
 * what a failed sync covered: that the system takes for written, so no later sync writes it.
 */
export type Step =
  | { readonly do: "create"; readonly name: string; readonly file: number }
  | { readonly do: "write"; readonly file: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly do: "cut"; readonly file: number; readonly size: number }
  | { readonly do: "rename"; readonly from: string; readonly to: string }
  | { readonly do: "remove"; readonly name: string }
  | { readonly do: "synced"; readonly file: number; readonly before: number }
  | { readonly do: "syncFailed"; readonly file: number; readonly before: number }
  | { readonly do: "dirSynced"; readonly dir: string; readonly before: number };

/** File contents by name. */
export type Image = ReadonlyMap<string, Uint8Array>;

/** What became of a step that was not yet synced: a write may also have come through in part. */
export type Fate = "kept" | "lost" | { readonly from: number; readonly to: number };

/** The directory part of a name. */
export function dirOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

/** Replays steps; files are numbered so that a rename keeps what later happens to the file. */
export class Disk {
  readonly names = new Map<string, number>();
  // With room to grow, all of it zero, so that many small appends do not copy the file each time.
  readonly #contents = new Map<number, { readonly room: Uint8Array; readonly size: number }>();

  apply(step: Step, fate: Fate = "kept"): void {
    if (fate === "lost") return;
    if (step.do === "create") {
      this.names.set(step.name, step.file);
      if (!this.#contents.has(step.file)) this.#hold(step.file, new Uint8Array(0));
    } else if (step.do === "write") this.#write(step.file, step.at, step.bytes, fate);
    else if (step.do === "cut") this.#hold(step.file, this.content(step.file).slice(0, step.size));
    else if (step.do === "rename") this.#rename(step.from, step.to);
    else if (step.do === "remove") this.names.delete(step.name);
  }

  content(file: number): Uint8Array {
    const held = this.#contents.get(file);
    return held ? held.room.subarray(0, held.size) : new Uint8Array(0);
  }

  #hold(file: number, bytes: Uint8Array): void {
    this.#contents.set(file, { room: bytes, size: bytes.length });
  }

  /** Grows a file with zeros, as where its size reached the disk and its bytes did not. */
  extend(file: number, size: number): void {
    const old = this.content(file);
    if (old.length >= size) return;
    const held = this.#contents.get(file);
    if (held && held.room.length >= size) {
      this.#contents.set(file, { room: held.room, size });
      return;
    }
    const room = new Uint8Array(size * 2);
    room.set(old);
    this.#contents.set(file, { room, size });
  }

  #write(file: number, at: number, bytes: Uint8Array, fate: Fate): void {
    const { from, to } = typeof fate === "object" ? fate : { from: 0, to: bytes.length };
    this.extend(file, at + to);
    const content = this.content(file);
    content.set(bytes.subarray(from, to), at + from);
  }

  #rename(from: string, to: string): void {
    const file = this.names.get(from);
    if (file === undefined) return;
    this.names.delete(from);
    this.names.set(to, file);
  }

  image(): Image {
    return new Map([...this.names].map(([name, file]) => [name, this.content(file).slice()]));
  }
}
