import { faults } from "@skep/fault";

/** What updates refuse. */
export const fault = faults("updates", {
  manifest: ["invalid", "Cannot read the manifest of an update", { detail: "invalid-payload" }],
  unsigned: ["unauthenticated", "Cannot take an update without a signature", { detail: "invalid-payload" }],
  signature: [
    "unauthenticated",
    "Cannot take an update: no release key that is named here signed it",
    { cure: "Name the key in updates.keys, or in updates.keys of the owner.toml", detail: "invalid-payload" },
  ],
  epoch: ["invalid", "Cannot take a manifest of another epoch", { detail: "invalid-payload" }],
  long: ["oversize", "Cannot take more bytes than the limit", { detail: "invalid-payload" }],
  chunk: [
    "corrupt",
    "Cannot take a chunk: its bytes have another digest, they are in quarantine",
    { detail: "invalid-payload" },
  ],
  foreign: ["invalid", "Cannot take a chunk that the manifest does not name"],
  first: [
    "conflict",
    "Cannot take a chunk of this size before the manifest",
    { cure: "Append the manifest first; only chunks of 128 bytes come before it" },
  ],
  lacks: ["conflict", "Cannot take the manifest before all its chunks", { detail: "invalid-payload" }],
  base: [
    "conflict",
    "Cannot take a delta: its base is not ready here, or another",
    { detail: "invalid-payload" },
  ],
  payload: [
    "corrupt",
    "Cannot take an update: the payload has another digest than its manifest says",
    { detail: "invalid-payload" },
  ],
  fixed: ["conflict", "Cannot change an update that has its manifest", { detail: "invalid-payload" }],
  damaged: [
    "corrupt",
    "Cannot read an update of which the disk has lost a chunk",
    {
      cure: "Upload it again: `skep update upload`; what is there does not travel",
      detail: "invalid-payload",
    },
  ],
  absent: ["absent", "Cannot read what is not complete", { detail: "invalid-path" }],
  complete: ["conflict", "Cannot append to a chunk that is complete"],
  many: [
    "quota",
    "Cannot take another update or chunk: the limit is reached",
    { cure: 'Retire one: append {"op":"retire"} to its `ctl`', detail: "buffer-full" },
  ],
  none: ["absent", "Cannot find update"],
});
