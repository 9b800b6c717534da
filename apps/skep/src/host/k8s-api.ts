import { readFileSync } from "node:fs";
import type { z } from "zod";
import { type Answer, exchange, reasonOf } from "../http/exchange.ts";
import { readAnswer, refusalIn } from "./answer.ts";
import { fault } from "./faults.ts";

const who = "the cluster";
/** Statuses of what was done: what was made has the second. */
const good = [200, 201];

/** How the API of a cluster is reached. */
export interface ApiOptions {
  readonly api: string;
  /** File of a service account's token; read each time, because it is renewed. */
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

const mostBytes = 64 * 1024 * 1024;
const withinMs = 30_000;

/** The API of a Kubernetes cluster over HTTP. */
export class ClusterApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Asks once. Throws `exchange.*` where no answer came. */
  async ask(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: object,
    type = "application/json",
  ): Promise<Answer> {
    const { api, tokenFile, caFile } = this.#options;
    const headers = {
      accept: "application/json",
      ...(tokenFile !== undefined && { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` }),
      ...(body && { "content-type": type }),
    };
    const ca = caFile === undefined ? undefined : readFileSync(caFile);
    const question = { method, headers, body: body && JSON.stringify(body), ca };
    return await exchange(new URL(path, api), { ...question, mostBytes, withinMs, signal });
  }

  /** Reads one thing. Throws `host-agent.unseen` with what the API says, and `exchange.*`. */
  async read<T>(path: string, of: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return readAnswer(await this.ask("GET", path, signal), of, who);
  }

  /** Has something judged or made and reads what came of it. Throws as `read` does. */
  async post<T>(path: string, body: object, of: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return readAnswer(await this.ask("POST", path, signal, body), of, who, good);
  }

  /** Asks for a change. Throws `host-agent.lost` where no answer came: it may be done all the same. */
  async attempt(
    method: "PATCH" | "POST" | "PUT",
    path: string,
    signal: AbortSignal,
    body: object,
    type?: string,
  ): Promise<Answer> {
    return await this.ask(method, path, signal, body, type).catch((cause: unknown) => {
      throw fault.lost(reasonOf(cause), { cause });
    });
  }

  /** Changes one thing. Throws `host-agent.lost`, and `host-agent.act` with what the API says against it. */
  async change(...asked: Parameters<ClusterApi["attempt"]>): Promise<void> {
    const answer = await this.attempt(...asked);
    if (!good.includes(answer.status)) throw fault.act(refusalIn(answer, who));
  }
}
