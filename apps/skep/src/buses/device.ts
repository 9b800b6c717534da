/** What a point of a bus is at a moment. */
export interface Reading {
  readonly point: string;
  readonly value: number;
  /** When the device says that it changed, milliseconds since 1970. */
  readonly changed?: number;
}

/** The field side of a bridge. */
export interface Device {
  /** Reads every point, or takes what came since. Throws where the device cannot be reached. */
  poll(signal: AbortSignal): Promise<readonly Reading[]>;
  /** Reads one point. */
  read(point: string): Promise<number>;
  /** Writes one. Throws `bridge.lost` where it may have been done, `bridge.refused` and `bridge.bounds` where it may not be. */
  write(point: string, value: number): Promise<void>;
  /** Whether the device takes what is written to a point away again. */
  pulses(point: string): boolean;
  /** Whether what stands at a point as before was surely not written; nothing is ever written again where it is not. */
  repeats(point: string): boolean;
  close(): void;
}
