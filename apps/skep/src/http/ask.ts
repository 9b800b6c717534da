import { faults } from "@skep/fault";
import { readText } from "../client/files.ts";
import { exchange } from "./exchange.ts";
import { authorityFile } from "./tls.ts";

const fault = faults("ui", {
  off: ["absent", "Cannot open the page: HTTP is off in this hive", { cure: "Start it without --http off" }],
  unreachable: ["cut", "Cannot reach the hive over HTTP"],
  refused: ["denied", "Cannot get a code for the page"],
});

/** Where a hive answers over HTTP, with what to trust there. */
export interface HttpPlace {
  readonly origin: string;
  readonly ca?: string;
}

interface Said {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const mostBytes = 1024 * 1024;
const withinMs = 10_000;

/** Asks a hive over HTTP with a ticket. Throws `exchange.*`. */
async function ask({ origin, ca }: HttpPlace, method: string, target: string, ticket: string): Promise<Said> {
  const headers = ticket === "" ? {} : { Authorization: `Bearer ${ticket}` };
  const { status, body } = await exchange(`${origin}${target}`, { method, headers, ca, mostBytes, withinMs });
  return said(status, body.toString());
}

function said(status: number, text: string): Said {
  try {
    const body: unknown = JSON.parse(text);
    return { status, body: (typeof body === "object" && body !== null ? body : {}) as Said["body"] };
  } catch {
    return { status, body: {} };
  }
}

/** Where the hive of an edge's address answers: plain, or with the certificate of its own authority. */
export async function httpPlace(address: string | undefined, home: string | undefined): Promise<HttpPlace> {
  if (address === undefined) throw fault.off();
  // What listens everywhere is reached on loopback.
  const at = address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^(\[::\]|::):/, "[::1]:");
  const ca = home === undefined ? undefined : readText(authorityFile(home));
  const places: HttpPlace[] = [
    { origin: `http://${at}` },
    { origin: `https://${at}`, ...(ca !== undefined && { ca }) },
  ];
  let failed: unknown;
  for (const place of places)
    try {
      await ask(place, "GET", "/healthz", "");
      return place;
    } catch (thrown) {
      failed = thrown;
    }
  throw fault.unreachable(at, { cause: failed });
}

/** A code that opens a page, for whoever has the ticket. Throws `ui.refused`. */
export async function askCode(
  place: HttpPlace,
  ticket: string,
): Promise<{ readonly code: string; readonly id: string }> {
  const { status, body } = await ask(place, "POST", "/v1/session/codes", ticket);
  if (status !== 201) throw fault.refused(body.detail ?? status);
  return { code: String(body.code), id: String(body.id) };
}

/** Whether a code was used. */
export async function isUsed(place: HttpPlace, ticket: string, id: string): Promise<boolean> {
  const { body } = await ask(place, "GET", `/v1/session/codes/${id}`, ticket);
  return body.state === "used";
}
