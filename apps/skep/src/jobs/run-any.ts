import type { Context } from "@skep/edge-cli";
import { connect, targetOf } from "../client/connect.ts";
import { type ArrayRequest, runArray } from "./array.ts";
import { runDag } from "./dag.ts";
import { fault } from "./faults.ts";
import { fileInputs, lineInputs } from "./inputs.ts";
import { checkRights, checkWish, readModule, type RunRequest, runModule } from "./run.ts";

/** What `skep run` was asked, whichever of its ways. */
export interface AnyRequest extends RunRequest {
  /** The arguments are files, each an input. */
  readonly array: boolean;
  /** A file of which each line is an input. */
  readonly lines: string | undefined;
  readonly output: string | undefined;
  /** The file is one of jobs. */
  readonly dag: boolean;
}

function checkTogether({ array, lines, output, dag, receipt, detach, checkpoint }: AnyRequest): void {
  const many = [array && "--array", lines !== undefined && "--lines", dag && "--dag"].filter(Boolean);
  if (many.length > 1) throw fault.together(many.join(" and "));
  if (many.length === 0 && output !== undefined)
    throw fault.together("--output takes --array, --lines or --dag");
  if (many.length > 0 && receipt !== undefined)
    throw fault.together(`${many[0]} and --receipt: /jobs/<id>/receipt has each`);
  if (dag && checkpoint) throw fault.together("--dag and --checkpoint: the file of jobs has it");
  if (output !== undefined && detach) throw fault.together("--output and --detach");
}

/** Runs one module once, over many inputs, or jobs that need each other. */
export async function runAny(context: Context, request: AnyRequest): Promise<number> {
  checkTogether(request);
  const { array, lines, dag, output, detach } = request;
  if (!array && lines === undefined && !dag) return await runModule(context, request);
  checkWish(request);
  const target = targetOf(context);
  if (dag) return await runDag(context, target, request);
  const inputs = lines === undefined ? await fileInputs(request.args) : await lineInputs(lines);
  const module = await readModule(request.file);
  await using client = await connect(target, context.signal);
  if (!detach) await checkRights(client, target, context.signal);
  const wish = array ? { ...request, args: [] } : request;
  const made: ArrayRequest = { module, inputs, wish, output, detach };
  return await runArray(context, client, made);
}
