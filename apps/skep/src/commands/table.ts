import { builtins, type Program, program } from "@skep/edge-cli";
import { configCommands } from "../config/mod.ts";
import { completeContext, completePath } from "../client/complete.ts";
import { telemetryCommands } from "../telemetry/commands.ts";
import { scriptCommands } from "../script/commands.ts";
import { manifestCommands } from "../manifest/commands.ts";
import { gpuCommands } from "../gpu/commands.ts";
import { modelCommands } from "../models/commands.ts";
import { updateCommands } from "../updates/commands.ts";
import { status } from "../status/command.ts";
import { tellingFiles } from "../file-faults.ts";
import { userHome } from "../person.ts";
import { version } from "../version.ts";
import { accessCommands } from "./access.ts";
import { careCommands } from "./care.ts";
import { fileCommands } from "./files.ts";
import { judgeCommands } from "./judge.ts";
import { proofCommands } from "./proof.ts";
import { top } from "./top.ts";
import { ui } from "./ui.ts";
import { up } from "./up.ts";
import { workCommands } from "./work.ts";

/** Every command of `skep`, in the order of the help. */
export function createProgram(): Program {
  const table: Program = program({
    name: "skep",
    version,
    summary: "A private cloud made of machines that people own, borrow or rent",
    examples: [
      { run: "skep up", doc: "Start a hive here" },
      { run: "skep ls /", doc: "Look around in it" },
    ],
    groups: [
      { key: "hive", title: "Run a hive" },
      { key: "files", title: "Read and write its files" },
      { key: "jobs", title: "Run work" },
      { key: "telemetry", title: "What machines tell" },
      { key: "gpu", title: "Use GPUs" },
      { key: "models", title: "Ship models" },
      { key: "updates", title: "Update machines" },
      { key: "access", title: "Let others in" },
      { key: "judge", title: "Decide what may happen" },
      { key: "proof", title: "Check and prove" },
      { key: "care", title: "Look after it" },
      { key: "about", title: "About skep" },
    ],
    commands: [
      up,
      ui,
      top,
      ...workCommands,
      ...fileCommands,
      ...telemetryCommands,
      ...gpuCommands,
      ...modelCommands,
      ...updateCommands,
      ...scriptCommands,
      ...accessCommands,
      ...judgeCommands,
      ...proofCommands,
      status,
      ...careCommands,
      ...configCommands("care", userHome),
      ...manifestCommands,
      ...builtins(() => table, "skep", "about", { node: process.versions.node }),
    ].map(tellingFiles),
    completers: { path: completePath, context: completeContext },
  });
  return table;
}
