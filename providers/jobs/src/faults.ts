import { faults } from "@skep/fault";

export const fault = faults("jobs", {
  unknown: ["absent", "Cannot find job", { detail: "invalid-path" }],
  ended: ["conflict", "Cannot cancel a job that has ended"],
  told: ["conflict", "Cannot tell twice how a job ended"],
  module: [
    "conflict",
    "Cannot submit a job whose module is not in the blob store",
    { cure: "Append the module's bytes to /cas/<digest> first" },
  ],
  stdin: [
    "conflict",
    "Cannot submit a job whose input is not in the blob store",
    { cure: "Append the input's bytes to /cas/<digest> first" },
  ],
  output: ["conflict", "Cannot end a job whose output is not in the blob store"],
  manifest: ["invalid", "Cannot take a manifest that does not verify"],
  spec: ["invalid", "Cannot read what the manifest wants to run"],
  inline: [
    "oversize",
    "Cannot take so much inline",
    { cure: "Store the bytes under /cas/<digest> and name the digest" },
  ],
  holder: ["conflict", "Cannot end a job that this worker never had"],
  unsigned: ["invalid", "Cannot take an unsigned result of a worker that has a key"],
  receipt: ["invalid", "Cannot take a receipt that does not verify"],
  attested: [
    "unsupported",
    "Cannot ask for an attested machine: no machine here is attested",
    { cure: "Leave `attested` out, or ask for machines of class owned" },
  ],
  full: ["busy", "Cannot take more jobs", { detail: "queue", cure: "Wait until some have ended" }],
  needs: ["conflict", "Cannot wait for a job that did not end well"],
  array: ["conflict", "Cannot read that of an array", { cure: "Read it of its jobs" }],
  early: ["conflict", "Cannot tell an answer before the hive asks for it"],
  replicas: [
    "invalid",
    "Cannot ask for a quorum that is less than half of the replicas, or more than all",
    { cure: "Ask for 3 replicas and a quorum of 2, say" },
  ],
  checkpoint: [
    "invalid",
    "Cannot keep a checkpoint of such a job",
    { cure: "Ask for one WASM machine: leave replicas out" },
  ],
  keeps: ["conflict", "Cannot keep that of a job"],
  soon: ["busy", "Cannot keep a checkpoint sooner after the last than the job asks", { detail: "rate" }],
  history: ["absent", "Cannot find what is known of the worker's answers"],
  away: ["conflict", "Cannot release a worker that is not in quarantine"],
  worker: ["denied", "Cannot speak for another worker", { detail: "denied" }],
  joined: ["conflict", "Cannot do that before the worker said hello"],
});
