interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

const before = (one: Entry, other: Entry): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** What is to happen, by its moment; what is of one moment in the order in which it was planned. */
export class Queue {
  readonly #heap: Entry[] = [];
  #count = 0;

  plan(at: number, act: () => void): void {
    const heap = this.#heap;
    const entry = { at, order: this.#count++, act };
    let slot = heap.push(entry) - 1;
    for (let up = (slot - 1) >> 1; slot > 0; up = (slot - 1) >> 1) {
      const parent = heap[up];
      if (!parent || before(parent, entry)) break;
      heap[slot] = parent;
      slot = up;
    }
    heap[slot] = entry;
  }

  /** The moment of what comes next. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let slot = 0;
    for (;;) {
      let child = 2 * slot + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (!left) break;
      if (right && before(right, left)) child += 1;
      const least = heap[child];
      if (!least || before(last, least)) break;
      heap[slot] = least;
      slot = child;
    }
    heap[slot] = last;
    return first;
  }
}
