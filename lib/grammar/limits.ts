/** How much of each thing a console takes, in characters unless said. */
export interface Limits {
  /** A whole command line; also the bytes of a frame's payload. */
  readonly line: number;
  readonly role: number;
  readonly ticket: number;
  /** A ticket on an ATTACH line that is longer than `line`: public-key tickets need the room. */
  readonly longTicket: number;
  readonly path: number;
  /** JSON of SPAWN. */
  readonly spawn: number;
  readonly worker: number;
  /** Payload of ECHO. */
  readonly payload: number;
  /** The same to files below these paths, whose lines are JSON or records that need the room. */
  readonly payloads: Readonly<Record<string, number>>;
}

/** The limits of the original console. */
export const consoleLimits: Limits = {
  line: 256,
  role: 16,
  ticket: 224,
  longTicket: 8000,
  path: 96,
  spawn: 192,
  worker: 32,
  payload: 128,
  payloads: { "/gpu/": 1024, "/queen/telemetry/": 4096 },
};
