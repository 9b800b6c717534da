/** One row of the only table that maps a kind of failure to what each edge shows of it. */
export interface Kind {
  /** The word that refusals carry on the console and under /proc/pressure. */
  readonly reason: "busy" | "quota" | "cut" | "policy";
  /** Linux errno number, as 9P2000.L sends it in Rlerror. */
  readonly errno: number;
  readonly errnoName: string;
  readonly http: number;
  /** Exit code of the command line. */
  readonly exit: number;
}

function kind(reason: Kind["reason"], errno: number, errnoName: string, http: number, exit: number): Kind {
  return { reason, errno, errnoName, http, exit };
}

/** The closed list of kinds; nobody else writes an errno, a status or an exit code. */
export const kinds = {
  /** Input that does not fit its schema. */
  invalid: kind("policy", 22, "EINVAL", 400, 2),
  /** Nothing there, or nothing that the caller may see. */
  absent: kind("policy", 2, "ENOENT", 404, 3),
  /** Seen, but the right is missing. */
  denied: kind("policy", 13, "EACCES", 403, 4),
  /** Does not exist by design: rename, remove, random write. */
  refused: kind("policy", 1, "EPERM", 405, 4),
  /** No ticket, or one that does not verify. */
  unauthenticated: kind("policy", 13, "EACCES", 401, 4),
  /** Stored, and waiting for approvals. */
  waiting: kind("policy", 115, "EINPROGRESS", 202, 6),
  /** The present state forbids it. */
  conflict: kind("policy", 17, "EEXIST", 409, 8),
  /** An older epoch or version than the present one. */
  stale: kind("policy", 116, "ESTALE", 412, 8),
  /** Larger than its limit. */
  oversize: kind("policy", 90, "EMSGSIZE", 413, 2),
  /** Not a directory, though a step below it was asked for. */
  notDirectory: kind("policy", 20, "ENOTDIR", 404, 3),
  /** A directory, though its bytes were asked for. */
  isDirectory: kind("policy", 21, "EISDIR", 400, 2),
  /** No data of that name: extended attributes. */
  noData: kind("policy", 61, "ENODATA", 404, 3),
  /** A path or name beyond its limit. */
  nameTooLong: kind("policy", 36, "ENAMETOOLONG", 414, 2),
  /** A message, verb or feature that is not spoken here. */
  unsupported: kind("policy", 95, "EOPNOTSUPP", 501, 1),
  /** A handle that is not open, or not open for this. */
  badHandle: kind("policy", 9, "EBADF", 400, 1),
  /** Try again later: queues, disk space, draining. */
  busy: kind("busy", 11, "EAGAIN", 503, 9),
  /** No answer in time. */
  timeout: kind("busy", 110, "ETIMEDOUT", 504, 7),
  /** It may or may not have happened. */
  unknown: kind("busy", 70, "ECOMM", 504, 7),
  /** Ended by the caller. */
  canceled: kind("busy", 125, "ECANCELED", 499, 130),
  /** A rate or budget is used up. */
  quota: kind("quota", 122, "EDQUOT", 429, 9),
  /** The other side cannot be reached. */
  cut: kind("cut", 113, "EHOSTUNREACH", 503, 10),
  /** The work itself failed. */
  failed: kind("policy", 121, "EREMOTEIO", 422, 5),
  /** Stored or received bytes are damaged. */
  corrupt: kind("policy", 74, "EBADMSG", 500, 1),
  /** What we did not raise; its cause goes to the log only. */
  internal: kind("policy", 5, "EIO", 500, 1),
} as const satisfies Record<string, Kind>;

/** The name of a kind. */
export type FaultKind = keyof typeof kinds;
