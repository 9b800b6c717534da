import { faults } from "@skep/fault";

export const fault = faults("evidence", {
  missing: ["corrupt", "Cannot verify the evidence: a file is missing"],
  changed: ["corrupt", "Cannot verify the evidence: a file is not what the manifest names"],
  extra: ["corrupt", "Cannot verify the evidence: a file is not in the manifest"],
  manifest: ["corrupt", "Cannot read the manifest of the evidence"],
  newer: ["unsupported", "Cannot read evidence of a newer form", { cure: "Use a newer skep" }],
  seal: ["corrupt", "Cannot verify the evidence: its seal is not over these files"],
  signature: ["corrupt", "Cannot verify the evidence: the seal is not signed by the key of the log"],
  key: [
    "corrupt",
    "Cannot verify the evidence: it is sealed with another key than the one you trust",
    { cure: "Compare with what `skep audit key` prints at the hive" },
  ],
  page: ["corrupt", "Cannot verify the evidence: the page is not made of these files"],
  record: ["corrupt", "Cannot verify the evidence: a record is not in the log that was signed"],
  secret: [
    "denied",
    "Cannot pack: a secret would be in it",
    {
      cure: "This is a mistake of the program that packs: what it may take is a list, and this is not on it",
    },
  ],
  timestamp: ["corrupt", "Cannot accept the timestamp"],
  rekor: ["corrupt", "Cannot accept the entry of the transparency log"],
  large: [
    "oversize",
    "Cannot pack: more than the bound",
    { cure: "Give a smaller range with --from and --to" },
  ],
});
