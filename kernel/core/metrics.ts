/** Counters of the running process; not journalled, zero at start. */
export class Metrics {
  readonly pressure = { busy: 0, quota: 0, cut: 0, policy: 0 };
  readonly counts = {
    accepted: 0,
    refused: 0,
    attached: 0,
    attachesFailed: 0,
    badFrames: 0,
    remembered: 0,
    reads: 0,
    shortWrites: 0,
  };
}
