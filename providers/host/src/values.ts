import { faults } from "@skep/fault";
import { Publication, type Published } from "./schema.ts";
import type { Facet } from "./state.ts";

const fault = faults("host-publish", {
  line: ["invalid", "Cannot take what a host publishes", { detail: "invalid-payload" }],
  many: ["quota", "Cannot take more things of this host: the limit is reached", { detail: "buffer-full" }],
});

/** A thing as it was told last. */
export interface Value extends Published {
  /** Hive time of that, milliseconds since 1970. */
  readonly at: number;
}

/** A thing, and how long the line was that told it. */
interface Kept {
  readonly value: Value;
  readonly bytes: number;
}

const mostOfHost = 10_000;
/** Bytes of all that is kept of one host, as it was told. */
const mostBytes = 4 * 1024 * 1024;
/** What was not heard of for so many of its periods is not known, and never before so long, milliseconds. */
const lateAfter = { periods: 3, least: 5000 };

/** What hosts tell of themselves, since this start of the hive: what changes by the second is no record. */
export class Values {
  readonly #hosts = new Map<string, Map<string, Kept>>();
  readonly #bytes = new Map<string, number>();

  /** Takes whole lines. Throws `host-publish.line`, `host-publish.many`; what stood before the bad line is taken. */
  take(host: string, bytes: Uint8Array, now: number): void {
    for (const line of Buffer.from(bytes).toString("utf8").split("\n"))
      if (line !== "") this.#line(host, line, now);
  }

  #line(host: string, line: string, now: number): void {
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch (cause) {
      throw fault.line("it is no JSON", { cause });
    }
    const read = Publication.safeParse(json);
    if (!read.success)
      throw fault.line(read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)[0]);
    const things = this.#hosts.get(host) ?? new Map<string, Kept>();
    this.#hosts.set(host, things);
    const key = `${read.data.facet}/${read.data.name}`;
    const before = things.get(key);
    const bytes = read.data.state === "gone" ? 0 : Buffer.byteLength(line);
    const all = (this.#bytes.get(host) ?? 0) - (before?.bytes ?? 0) + bytes;
    if (bytes > 0 && !before && things.size >= mostOfHost) throw fault.many(`${mostOfHost}`);
    if (bytes > (before?.bytes ?? 0) && all > mostBytes) throw fault.many(`${mostBytes} bytes`);
    if (bytes === 0) things.delete(key);
    else things.set(key, { value: { ...read.data, at: now }, bytes });
    this.#bytes.set(host, all);
  }

  /** A thing, or the facet itself under an empty name: `unknown` with its reason where it was not heard of lately. */
  of(host: string, facet: Facet, name: string, now: number): Value {
    const things = this.#hosts.get(host);
    const whole = things?.get(`${facet}/`)?.value;
    const unknown = (reason: string): Value => ({
      ...{ facet, name, state: "unknown", reason, fields: {}, at: whole?.at ?? 0 },
    });
    if (!whole) return unknown("the host's agent has told nothing yet");
    const late = Math.max(lateAfter.least, (whole.every_ms ?? 0) * lateAfter.periods);
    if (now - whole.at > late) return unknown(`not heard of for ${Math.round((now - whole.at) / 1000)} s`);
    if (whole.state === "unknown" && name !== "")
      return unknown(whole.reason ?? "its provider tells nothing");
    return things?.get(`${facet}/${name}`)?.value ?? unknown("it is not there at the moment");
  }
}
