/** The hive's clock, as far as its answers told it. */
export class HiveTime {
  #ahead = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  told(now: number): void {
    this.#ahead = now - Date.now();
  }
}
