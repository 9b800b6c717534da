// What the two halves of this package agree on; a process that only runs modules loads nothing of the other half.

/** Names under which an instrumented module shows its insides to the host alone. */
export const names = {
  memory: "skep:memory",
  tally: "skep:tally",
  limit: "skep:limit",
  shortage: "skep:shortage",
  start: "skep:start",
  entry: "skep:entry",
  /** Custom section that says what the engine does not tell: its limits, as JSON. */
  note: "skep:note",
} as const;

/** Version of the instrumentation; it changes whenever the same module would use other fuel or other code. */
export const meter = "skep-meter-1";

/** What the custom section holds. */
export interface Note {
  readonly meter: string;
  readonly minPages: number;
  readonly maxPages: number | null;
}
