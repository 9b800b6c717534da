import type { Command } from "@skep/edge-cli";
import { bus } from "../buses/command.ts";
import { lora } from "../buses/lora/command.ts";
import { host } from "../host/command.ts";
import { cancel } from "./cancel.ts";
import { demo } from "./demo.ts";
import { jobs } from "./jobs.ts";
import { owner, pause, resume } from "./owner.ts";
import { ledgerExport, ledgerShow, ledgerVerify } from "./ledger.ts";
import { run } from "./run.ts";
import { verify } from "./verify.ts";
import { worker } from "./worker.ts";

/** Commands about work: the jobs, and the machines that do them. */
export const workCommands: readonly Command[] = [
  demo,
  run,
  jobs,
  cancel,
  verify,
  ledgerShow,
  ledgerExport,
  ledgerVerify,
  worker,
  host,
  bus,
  lora,
  owner,
  pause,
  resume,
];
