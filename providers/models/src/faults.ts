import { faults } from "@skep/fault";

/** What models refuse. */
export const fault = faults("models", {
  manifest: [
    "invalid",
    "Cannot read the manifest of a model",
    { cure: "Pack it again: `skep model pack`", detail: "invalid-payload" },
  ],
  other: [
    "invalid",
    "Cannot take a manifest of another model",
    { cure: "Append it below the digest of its weights", detail: "invalid-payload" },
  ],
  signature: [
    "unauthenticated",
    "Cannot take a model: no release key that is named here signed its manifest",
    { cure: "Name the key in models.keys, or in updates.keys of the owner.toml", detail: "invalid-payload" },
  ],
  replay: [
    "stale",
    "Cannot take a model whose serial is not newer than what its name has here",
    { cure: "Pack it with a higher --serial", detail: "invalid-payload" },
  ],
  long: [
    "oversize",
    "Cannot take more bytes than the limit",
    { cure: "Raise models.size, or bring weights in chunks: `skep model import`", detail: "invalid-payload" },
  ],
  digest: [
    "corrupt",
    "Cannot take a file of a model: its bytes have another digest, they are in quarantine",
    { cure: "Bring it again from where it was packed", detail: "invalid-payload" },
  ],
  table: [
    "corrupt",
    "Cannot read the table of a model's chunks",
    { cure: "Pack it again: `skep model pack`", detail: "invalid-payload" },
  ],
  payload: [
    "corrupt",
    "Cannot take a model: its weights have another digest than its name",
    { cure: "Pack it again, and bring it again", detail: "invalid-payload" },
  ],
  foreign: [
    "invalid",
    "Cannot take a chunk that the table does not name",
    { cure: "Bring the chunks that `missing` names", detail: "invalid-payload" },
  ],
  order: [
    "conflict",
    "Cannot take this file now",
    {
      cure: "A signed model begins with manifest.json, then signature, table, schema and chunks",
      detail: "invalid-payload",
    },
  ],
  fixed: [
    "denied",
    "Cannot change a model that has this file",
    { cure: "Retire the model first, or pack another", detail: "denied" },
  ],
  absent: [
    "absent",
    "Cannot read what is not complete",
    { cure: "See what it lacks: `skep model list`", detail: "invalid-path" },
  ],
  damaged: [
    "corrupt",
    "Cannot read a model of which the disk has lost a part",
    {
      cure: "Import it again: `skep model import`; what is there does not travel",
      detail: "invalid-payload",
    },
  ],
  none: [
    "absent",
    "Cannot find model",
    { cure: "See which there are: `skep model list`", detail: "invalid-path" },
  ],
  unready: [
    "conflict",
    "Cannot use a model that is not complete and verified",
    { cure: "See what it lacks: `skep model list`", detail: "invalid-payload" },
  ],
  base: [
    "conflict",
    "Cannot activate an adapter whose base model is not here",
    { cure: "Import its base first", detail: "invalid-payload" },
  ],
  moved: [
    "conflict",
    "Cannot activate: another model is active than was expected",
    { cure: "See which: `skep model list`" },
  ],
  active: ["conflict", "Cannot let go of a model that is active", { cure: "Activate another one first" }],
  before: [
    "absent",
    "Cannot go back: no model was active before",
    { cure: "Name one: `skep model activate`", detail: "invalid-payload" },
  ],
  many: [
    "quota",
    "Cannot take another model or chunk: the limit is reached",
    { cure: 'Retire one: append {"op":"retire"} to its `ctl`', detail: "buffer-full" },
  ],
});
