/** Everything that Skep keeps in a home, by name, with what it is; a name that ends with `/` is a directory. */
export const homeContents = {
  format: "Number of the home's format; a newer one than the program's is refused",
  "skep.toml": "Your configuration, where you made one",
  "owner.toml":
    "Rules of the machine's owner for the workers of this home, where you made some: `skep owner`",
  "policy/": "Your policies and their cases, where you made some: what `skep policy apply` sends",
  "agent/":
    "Who may have blobs removed, pinned by hand: `signers`, `roles`, `revoked`, `sweep-after`; and `burnt`, nonces that were used",
  "keys/":
    "Who the hive is and what it signs with: identity, ticket, log; its name; what its chance is made of; what was rotated away. Secret",
  "secrets/": "Secrets that nobody gave and that were made for this home, such as the console's. Secret",
  "owner.ticket": "The owner's ticket. Secret",
  "hive/": "The journal in segments, its tiles and snapshots: the truth, from which all else is made",
  "blobs/": "Modules, inputs and outputs by SHA-256 digest",
  "damaged/": "Blobs without their digest that `skep fsck --repair` moved aside; yours to remove",
  "workers/": "Key, ticket and spool of each worker of this machine",
  "witness/": "Key and records of `skep witness` on this machine. Secret",
  "index.sqlite": "Finds what left state; made again from the journal when it is gone",
  "index.sqlite-wal": "Part of the index while the daemon runs",
  "index.sqlite-shm": "Part of the index while the daemon runs",
  reserve: "Space held back so that outcomes can be written on a full disk",
  "lock/": "Held by the kernel while a daemon runs; removing it frees nothing",
  "skep.sock": "Socket of the command line while the daemon runs",
  socket: "Where the socket is, when the home's path is too long for it",
  "socket.new": "The same, half written",
  "backup-format-*/": "The home as it was before a migration to a newer format",
  "pending.json":
    "What was done while the daemon was down, for the next `skep up` to journal: a restore, rotated keys",
  "ui.sessions": "Sessions of pages that `skep ui` opened, with their tickets. Secret",
  "ui.sessions.new": "The same, half written. Secret",
  "tls/":
    "The home's own certificate authority, and the certificate of HTTP, where `http.tls` is `own`. Secret",
  "receipts/": "Receipts of `skep demo`",
  "mandelbrot.ppm": "The picture of `skep demo`",
} as const;

/** True for the name of something that Skep keeps directly in a home. */
export function isOurs(name: string): boolean {
  return Object.keys(homeContents).some((known) => {
    const own = known.replace(/\/$/, "");
    return own.endsWith("*") ? name.startsWith(own.slice(0, -1)) : name === own;
  });
}
