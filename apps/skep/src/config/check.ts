import { Fault } from "@skep/fault";
import { isLoopback } from "./address.ts";
import { problem } from "./faults.ts";
import { describeOrigin, type Key, type Origin, type Values } from "./values.ts";

/** What values, each right by itself, may not come to together. */
interface RedLine {
  /** The first that somebody set is named with its place. */
  readonly keys: readonly Key[];
  readonly fits: (values: Values) => boolean;
  readonly text: string;
  readonly cure: string;
  /** Where another part of the program refuses the same by another code. */
  readonly code?: string;
}

type Origins = Readonly<Record<Key, Origin>>;

const both = (values: Values, first: Key, second: Key): boolean =>
  (values[first] === "") === (values[second] === "");

const redLines: readonly RedLine[] = [
  {
    keys: ["disk.stop_percent", "disk.warn_percent"],
    fits: (values) => values["disk.stop_percent"] <= values["disk.warn_percent"],
    text: "disk.stop_percent is above disk.warn_percent, so nobody is warned before work stops",
    cure: "Make disk.warn_percent the larger one",
  },
  {
    keys: ["limits.waiting_reads", "limits.tags"],
    fits: (values) => values["limits.waiting_reads"] < values["limits.tags"],
    text: "limits.waiting_reads leaves no tag of limits.tags for anything else",
    cure: "Make limits.waiting_reads smaller than limits.tags",
  },
  {
    keys: ["limits.msize", "limits.line"],
    fits: (values) => values["limits.line"] + 24 <= values["limits.msize"],
    text: "limits.line does not fit into a 9P message of limits.msize",
    cure: "Make limits.msize larger by at least 24 bytes than limits.line",
  },
  {
    keys: ["telemetry.record_size", "telemetry.segment_size"],
    fits: (values) => values["telemetry.record_size"] <= values["telemetry.segment_size"],
    text: "telemetry.record_size is above telemetry.segment_size, so a record may fit no segment",
    cure: "Make telemetry.segment_size the larger one",
  },
  {
    keys: ["client.control_sessions", "client.telemetry_sessions", "limits.connections"],
    fits: (values) =>
      values["client.control_sessions"] + values["client.telemetry_sessions"] <= values["limits.connections"],
    text: "limits.connections has no room for the sessions of one client",
    cure: "Make limits.connections larger, or client.telemetry_sessions smaller",
  },
  {
    keys: ["client.retry_most", "client.retry_wait"],
    fits: (values) => values["client.retry_wait"] <= values["client.retry_most"],
    text: "client.retry_most is below client.retry_wait, which it is to bound",
    cure: "Make client.retry_most the larger one",
  },
  {
    keys: ["mesh.tls_certificate", "mesh.tls_key"],
    fits: (values) => both(values, "mesh.tls_certificate", "mesh.tls_key"),
    text: "mesh.tls_certificate and mesh.tls_key go together, and one is missing",
    cure: "Name both files, or neither",
  },
  {
    keys: ["http.tls", "http.tls_cert", "http.tls_key"],
    fits: (values) =>
      values["http.tls"] !== "given" || (values["http.tls_cert"] !== "" && values["http.tls_key"] !== ""),
    text: "http.tls is given, but http.tls_cert or http.tls_key is not",
    cure: "Name both files, or use http.tls own",
  },
  {
    keys: ["listen.http", "http.tls"],
    fits: ({ "listen.http": http, "http.tls": tls }) =>
      http === false || tls !== "off" || isLoopback(http.host),
    text: "HTTP would be reached from other machines without TLS",
    cure: "Use http.tls own or given, or listen on 127.0.0.1",
    code: "http.wide",
  },
];

/** Of several settings, the one that somebody set, with its place: `disk.stop_percent from skep.toml line 3`. */
export function placeOf(keys: readonly Key[], origins: Origins): string {
  const named = keys.find((key) => origins[key].from !== "default") ?? keys[0];
  return named === undefined ? "configuration" : `${named} from ${describeOrigin(origins[named])}`;
}

/** What is wrong between values that are each right, with the place of the one to blame. */
export function checkTogether(values: Values, origins: Origins): readonly Fault[] {
  return redLines
    .filter(({ fits }) => !fits(values))
    .map(({ keys, text, cure, code }) => {
      const made = problem("together", `Cannot use ${placeOf(keys, origins)}: ${text}`, cure);
      return code === undefined ? made : new Fault("refused", code, made.message, { cure });
    });
}
