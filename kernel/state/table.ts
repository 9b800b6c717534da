/** Takes back what the drafts of one record did, should one of its events throw. */
export type UndoLog = (() => void)[];

/** Where the tables of all slices write how to take a change back; empty when nothing is being drafted. */
export interface Drafting {
  undo: UndoLog | undefined;
  /** Tables whose deletions wait for the end of the draft. */
  readonly waiting: { end(kept: boolean): void }[];
}

/** A map in state. Values are never changed in place: set a new one. */
export interface Table<V> {
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** In order of insertion. */
  entries(): IterableIterator<[string, V]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<V>;
  /** The key inserted first among those that are left. */
  first(): string | undefined;
}

/** One value in state, replaced as a whole. */
export interface Cell<V> {
  get(): V;
  set(value: V): void;
}

/**
 * A table whose changes can be undone while a record is drafted. A map gives no place back to what was deleted, so what
 * a draft deletes only looks so until the draft is kept.
 */
export class DraftTable<V> implements Table<V> {
  readonly #map = new Map<string, V>();
  readonly #drafting: Drafting;
  readonly #gone = new Set<string>();

  constructor(drafting: Drafting) {
    this.#drafting = drafting;
  }

  get size(): number {
    return this.#map.size - this.#gone.size;
  }

  get(key: string): V | undefined {
    return this.#gone.size > 0 && this.#gone.has(key) ? undefined : this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key) && !(this.#gone.size > 0 && this.#gone.has(key));
  }

  set(key: string, value: V): void {
    const { undo } = this.#drafting;
    if (undo) {
      if (this.#gone.delete(key)) this.#moveLast(key, undo);
      const before = this.#map.get(key);
      undo.push(before === undefined ? () => this.#map.delete(key) : () => this.#map.set(key, before));
    }
    this.#map.set(key, value);
  }

  // Deleted and set again by one record: undone it is there, but in front.
  #moveLast(key: string, undo: UndoLog): void {
    const before = this.#map.get(key) as V;
    this.#map.delete(key);
    undo.push(() => {
      const kept = [...this.#map];
      this.#map.clear();
      this.#map.set(key, before);
      for (const [name, one] of kept) this.#map.set(name, one);
    });
  }

  delete(key: string): void {
    if (!this.#drafting.undo) {
      this.#map.delete(key);
      return;
    }
    if (!this.has(key)) return;
    if (this.#gone.size === 0) this.#drafting.waiting.push(this);
    this.#gone.add(key);
  }

  /** Ends a draft: what it deleted goes, or stays. */
  end(kept: boolean): void {
    if (kept) for (const key of this.#gone) this.#map.delete(key);
    this.#gone.clear();
  }

  *#left(): Generator<[string, V]> {
    for (const entry of this.#map) if (!this.#gone.has(entry[0])) yield entry;
  }

  entries(): IterableIterator<[string, V]> {
    return this.#drafting.undo ? this.#left() : this.#map.entries();
  }

  keys(): IterableIterator<string> {
    return this.#drafting.undo ? this.#left().map(([key]) => key) : this.#map.keys();
  }

  values(): IterableIterator<V> {
    return this.#drafting.undo ? this.#left().map(([, value]) => value) : this.#map.values();
  }

  first(): string | undefined {
    return this.keys().next().value;
  }
}

/** A cell whose change can be undone while a record is drafted. */
export class DraftCell<V> implements Cell<V> {
  #value: V;
  readonly #drafting: Drafting;

  constructor(drafting: Drafting, value: V) {
    this.#drafting = drafting;
    this.#value = value;
  }

  get(): V {
    return this.#value;
  }

  set(value: V): void {
    const before = this.#value;
    this.#drafting.undo?.push(() => {
      this.#value = before;
    });
    this.#value = value;
  }
}
