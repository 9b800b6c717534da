import type { FlagSpec } from "@skep/edge-cli";

/** What a block of a ticket may say, as flags of mint and narrow. */
export const claimFlags = {
  subject: { kind: "string", doc: "Whom it is for" },
  right: {
    kind: "string",
    value: "PATH:VERB[:RATE]",
    repeat: true,
    doc: "What it opens: read, write, rw, a named right or *; at most RATE uses a second",
  },
  for: { kind: "choice", choices: ["run"], doc: "All that `skep run` needs, beside what --right opens" },
  ops: { kind: "integer", least: 1, doc: "At most so many commands in all" },
  bytes: { kind: "size", doc: "At most so many bytes in all" },
} as const satisfies Record<string, FlagSpec>;
