/** Default limits, one table for every edge (DESIGN §6). Sizes in bytes. */
export const limits = {
  pathDepth: 16,
  component: 255,
  line: 16 * 1024,
  readOutside9p: 1024 * 1024,
  msize: 128 * 1024,
  volunteerMsize: 8 * 1024,
  tags: 64,
  waitingReads: 48,
  fids: 1024,
  fidsOnSocket: 16_384,
  record: 65_535,
  entries: 10_000,
  answers: 16,
  /** Accepted controls per ticket and second where a right names no rate. */
  controlsPerSecond: 50_000,
  /** How long an idempotency key is remembered, milliseconds. */
  keyHorizon: 24 * 3600_000,
  /** Wall clock may leave record time by this much, milliseconds. */
  clockJump: 60_000,
} as const;

/** The table's type, so that tests and editions can replace values. */
export type Limits = { readonly [Name in keyof typeof limits]: number };
