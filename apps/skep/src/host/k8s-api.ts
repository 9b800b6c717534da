import { readFileSync } from "node:fs";
import { request as plain, secureRequest as secure } from "../builtin.ts";
import type { z } from "zod";
import { fault } from "./faults.ts";

/** How the API of a cluster is reached. */
export interface ApiOptions {
  readonly api: string;
  /** File of a service account's token; read each time, because it is renewed. */
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

const mostAnswer = 64 * 1024 * 1024;
const patienceMs = 15_000;

/** The API of a Kubernetes cluster over HTTP. */
export class ClusterApi {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Asks once. Rejects where no answer came. */
  ask(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: object,
    type = "application/json",
  ): Promise<Answer> {
    const { api, tokenFile, caFile } = this.#options;
    const url = new URL(path, api);
    const text = body && JSON.stringify(body);
    const headers = {
      accept: "application/json",
      ...(tokenFile === undefined
        ? {}
        : { authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}` }),
      ...(text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) }),
    };
    const ca = caFile === undefined ? {} : { ca: readFileSync(caFile) };
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal, timeout: patienceMs, agent: false, ...ca };
      const sent = (url.protocol === "https:" ? secure : plain)(url, options, (answer) => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on("data", (part: Buffer) => {
          size += part.length;
          if (size > mostAnswer) sent.destroy(new Error("an answer of more than 64 MiB"));
          parts.push(part);
        });
        answer.on("error", reject);
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
        );
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.on("error", reject);
      sent.end(text);
    });
  }

  /** Reads one thing. Throws `host-agent.unseen` with what the API says. */
  async read<T>(path: string, of: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const { status, text } = await this.ask("GET", path, signal);
    if (status !== 200) throw fault.unseen(reasonIn(text) || `the cluster answers ${status}`);
    return of.parse(JSON.parse(text));
  }
}

/** What a status object of the API says went wrong; empty where it says nothing. */
export function reasonIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? "");
  } catch {
    return "";
  }
}
