import { faults } from "@skep/fault";

/** What `skep update` refuses. */
export const fault = faults("update", {
  key: [
    "invalid",
    "Cannot use this key: it is no private Ed25519 key in PEM",
    { cure: "Make one: `openssl genpkey -algorithm ed25519 -out release.pem`" },
  ],
  hex: ["invalid", "Cannot use this public key: it is not 64 hex digits"],
  epoch: ["invalid", "Cannot use this epoch: it is not 1 to 20 digits"],
  length: [
    "invalid",
    "Cannot pack in the original's form: the file is not a multiple of 128 bytes, and one at least",
  ],
  folder: ["invalid", "Cannot read an update from this folder", { cure: "Make one: `skep update pack`" }],
  payload: ["corrupt", "Cannot use an update: its payload is not what its manifest says"],
  other: [
    "conflict",
    "Cannot upload: the hive has another manifest of this epoch",
    { cure: "Pack it with a new epoch" },
  ],
  unready: ["conflict", "Cannot use an update that is not ready"],
  untrusted: [
    "denied",
    "Cannot apply: the owner of this machine named no release key",
    { cure: 'Name it in its owner.toml: [updates] keys = ["…"]' },
  ],
  older: [
    "stale",
    "Cannot apply an update that is not newer than what runs",
    { cure: "`skep update rollback` goes back" },
  ],
  health: ["failed", "Cannot keep the update: its health check failed; the version before runs again"],
  before: ["absent", "Cannot go back: there is no version before"],
  base: [
    "unsupported",
    "Cannot apply a delta by its base: pack the whole in the form of content-defined chunks",
  ],
});
