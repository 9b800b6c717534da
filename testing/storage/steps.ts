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
  readonly #contents = new Map<number, Uint8Array>();

  apply(step: Step, fate: Fate = "kept"): void {
    if (fate === "lost") return;
    if (step.do === "create") {
      this.names.set(step.name, step.file);
      this.#contents.set(step.file, this.content(step.file));
    } else if (step.do === "write") this.#write(step.file, step.at, step.bytes, fate);
    else if (step.do === "cut") this.#contents.set(step.file, this.content(step.file).slice(0, step.size));
    else if (step.do === "rename") this.#rename(step.from, step.to);
    else if (step.do === "remove") this.names.delete(step.name);
  }

  content(file: number): Uint8Array {
    return this.#contents.get(file) ?? new Uint8Array(0);
  }

  /** Grows a file with zeros, as where its size reached the disk and its bytes did not. */
  extend(file: number, size: number): void {
    const old = this.content(file);
    if (old.length >= size) return;
    const grown = new Uint8Array(size);
    grown.set(old);
    this.#contents.set(file, grown);
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
