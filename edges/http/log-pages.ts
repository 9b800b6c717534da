import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "@skep/clock";
import type { Fault } from "@skep/fault";
import { fault } from "./faults.ts";
import { type Page, pageAt, refusalPage } from "./pages.ts";
import { rawPath } from "./path.ts";
import type { LogPort } from "./port.ts";

const zip = promisify(gzip);

function acceptsGzip({ headers: { "accept-encoding": accepted } }: IncomingMessage): boolean {
  return /(^|[\s,])(gzip|\*)\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/.test(String(accepted ?? ""));
}

/** Whether a target is a page of the log or the health of the hive: these need no ticket and nothing else. */
export function isLogPage(url: string): boolean {
  const path = rawPath(url);
  return path === "/healthz" || path === "/checkpoint" || path.startsWith("/tile/") || path === "/tile";
}

/** What answering log pages needs. */
export interface LogPagesOptions {
  readonly clock: Clock;
  /** Answered at a time; 503 beyond. */
  readonly answering: number;
  /** Milliseconds for one answer until the client has it. */
  readonly within: number;
  readonly report?: (fault: Fault) => void;
}

/** `/healthz`, `/checkpoint` and `/tile/…` (C2SP tlog-tiles). */
export class LogPages {
  readonly #port: LogPort;
  readonly #options: LogPagesOptions;
  #answering = 0;

  constructor(port: LogPort, options: LogPagesOptions) {
    this.#port = port;
    this.#options = options;
  }

  #check({ method, headers }: IncomingMessage): void {
    if (method !== "GET" && method !== "HEAD") throw fault.method(method);
    if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)
      throw fault.body();
    if (this.#answering > this.#options.answering) throw fault.busy();
  }

  async #page(request: IncomingMessage): Promise<Page> {
    try {
      this.#check(request);
      return await pageAt(this.#port, rawPath(request.url ?? ""));
    } catch (thrown) {
      const { page, fault: found } = refusalPage(thrown);
      if (found.kind === "internal") this.#options.report?.(found);
      return page;
    }
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, within } = this.#options;
    const timer = clock.after(within, () => response.destroy());
    this.#answering += 1;
    response.once("close", () => {
      this.#answering -= 1;
      timer.stop();
    });
    const page = await this.#page(request);
    const zipped = page.zip === true && page.body.length > 0 && acceptsGzip(request);
    const body = zipped ? await zip(page.body) : page.body;
    if (!response.destroyed) this.#send(request, response, page, body, zipped);
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    page: Page,
    body: Uint8Array,
    zipped: boolean,
  ): void {
    response.writeHead(page.status, {
      "Content-Type": page.type,
      "Content-Length": body.length,
      "Cache-Control": page.cache,
      ...(page.zip && { Vary: "Accept-Encoding" }),
      ...(zipped && { "Content-Encoding": "gzip" }),
      ...(page.status === 405 && { Allow: "GET, HEAD" }),
      ...(page.status === 503 && { "Retry-After": "1" }),
      // A body that nobody reads would be taken for the next request.
      ...((page.status === 400 || page.status === 405) && { Connection: "close" }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }
}
