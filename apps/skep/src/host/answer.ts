import type { z } from "zod";
import type { Answer } from "../http/exchange.ts";
import { fault } from "./faults.ts";

/** What an engine or a cluster says went wrong: the message of its answer, or the status where it says nothing. */
export function refusalIn({ status, body }: Answer, who: string): string {
  const silent = `${who} answers ${status}`;
  try {
    const { message } = JSON.parse(body.toString()) as { readonly message?: unknown };
    return String(message ?? "") || silent;
  } catch {
    return silent;
  }
}

/** Reads an answer whose status is one of these. Throws `host-agent.unseen` with what it says instead. */
export function readAnswer<T>(answer: Answer, of: z.ZodType<T>, who: string, good = [200]): T {
  if (!good.includes(answer.status)) throw fault.unseen(refusalIn(answer, who));
  return of.parse(JSON.parse(answer.body.toString()));
}
