/** Takes back what the drafts of one record did, should one of its events throw. */
export type UndoLog = (() => void)[];

/** Where the tables of all slices write how to take a change back; empty when nothing is being drafted. */
export interface Drafting {
  undo: UndoLog | undefined;
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

/** A table whose changes can be undone while a record is drafted. */
export class DraftTable<V> implements Table<V> {
  readonly #map = new Map<string, V>();
  readonly #drafting: Drafting;

  constructor(drafting: Drafting) {
    this.#drafting = drafting;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  set(key: string, value: V): void {
    const { undo } = this.#drafting;
    if (undo) {
      const before = this.#map.get(key);
      undo.push(before === undefined ? () => this.#map.delete(key) : () => this.#map.set(key, before));
    }
    this.#map.set(key, value);
  }

  delete(key: string): void {
    const before = this.#map.get(key);
    if (before === undefined) return;
    this.#drafting.undo?.push(() => this.#putFirst(key, before));
    this.#map.delete(key);
  }

  // Only after a failed draft: what was deleted was old, so it goes back to the front.
  #putFirst(key: string, value: V): void {
    const kept = [...this.#map];
    this.#map.clear();
    this.#map.set(key, value);
    for (const [name, one] of kept) this.#map.set(name, one);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#map.entries();
  }

  keys(): IterableIterator<string> {
    return this.#map.keys();
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  first(): string | undefined {
    return this.#map.keys().next().value;
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
