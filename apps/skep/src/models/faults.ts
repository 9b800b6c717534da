import { faults } from "@skep/fault";

/** What `skep model` refuses. */
export const fault = faults("model", {
  folder: ["invalid", "Cannot read a model from this folder", { cure: "Make one: `skep model pack`" }],
  adapter: [
    "invalid",
    "Cannot pack: no weights with what they are",
    { cure: "Name a file and its --schema, or a folder with adapter.safetensors and lora.json" },
  ],
  job: ["invalid", "Cannot read an export job from this folder", { cure: "Fetch it: `skep model job`" }],
  name: [
    "invalid",
    "Cannot use this name: letters, digits, points and dashes, 64 at most, and no digest",
    { cure: "Use letters, digits, points and dashes, 64 at most, and no digest" },
  ],
  note: ["invalid", "Cannot read a note: write NAME=VALUE", { cure: "Write the name in small letters" }],
  empty: ["invalid", "Cannot pack a model without a byte", { cure: "Name the file with the weights" }],
  payload: [
    "corrupt",
    "Cannot use a model: its bytes are not what its manifest says",
    { cure: "Pack or fetch it again" },
  ],
  other: [
    "conflict",
    "Cannot import: the hive has another manifest of these weights",
    { cure: "Retire it there, or import what it was packed with" },
  ],
  named: [
    "corrupt",
    "Cannot use a model: the hive gave one of another name",
    { cure: "Name it by the SHA-256 of its weights" },
  ],
  unready: [
    "conflict",
    "Cannot use a model that is not ready",
    { cure: "See why: `skep model list`, or the `status` of the export" },
  ],
  older: [
    "stale",
    "Cannot install a release that is older than the one of its name here",
    { cure: "`skep model rollback --to` goes back" },
  ],
  before: [
    "absent",
    "Cannot go back: no model was active here before",
    { cure: "Install one: `skep model apply`" },
  ],
  changed: ["corrupt", "Cannot go on: the file is not what was asked for", { cure: "Try again" }],
  none: [
    "absent",
    "Cannot find a model of this name that has bytes here",
    { cure: "See which there are: `skep model list`" },
  ],
});
