import { faults } from "@skep/fault";
import { defineProvider, LateLines, type Provider } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { controlLine, eventLines } from "./trace.ts";

const fault = faults("log", {
  long: ["oversize", "Cannot append a log line that is longer than 4096 bytes"],
});

const capacity = 64 * 1024;
const longest = 4096;
const queenLog = "/log/queen.log";

/** What the app passes in. */
export interface LogDeps {
  /** Calls `act` with each line that the program wrote while it started, then with each that follows. */
  startLines(act: (line: string) => void): void;
}

/** Bytes of whole lines as they are kept: nothing in them steers a terminal, and the last one ends. */
function lines(bytes: Uint8Array): Buffer {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    if (end - at > longest) throw fault.long(end - at);
    parts.push(`${escapeForeign(bytes.subarray(at, end), { form: "wire" })}\n`);
    at = end + 1;
  }
  return Buffer.from(parts.join(""));
}

/** `/log/queen.log`, `/trace/{ctl,events}` and `/kmesg`: what happened, in memory, newest last. */
export function logProvider(deps: LogDeps): Provider {
  const controls = new LateLines(controlLine);
  const events = new LateLines(eventLines);
  return defineProvider<null>({
    name: "log",
    doc: "Logs and traces",
    journalled: false,
    initial: () => null,
    events: {},
    opened: (_state, runtime) => {
      const ring = runtime.ring("/kmesg", capacity);
      deps.startLines((line) => void ring.append(lines(Buffer.from(line.replaceAll("\n", " ")))));
    },
    recorded: (record) => {
      controls.push(record);
      events.push(record);
    },
    mounts: (t) => ({
      "/log": t.dir("Logs", {
        "queen.log": t.stream("The log of the hive; a line can be appended", {
          source: ({ ring }) => ring(queenLog, capacity),
          append: (bytes, { ring }) => {
            ring(queenLog, capacity).append(lines(bytes));
            return bytes.length;
          },
        }),
      }),
      "/trace": t.dir("What went through the one door, as JSON lines", {
        ctl: t.stream("Every control that was accepted or refused", {
          source: ({ ring }) => controls.open(ring("/trace/ctl", capacity)),
        }),
        events: t.stream("Every event that changed state", {
          source: ({ ring }) => events.open(ring("/trace/events", capacity)),
        }),
      }),
      "/kmesg": t.stream("What the program said while it started", {
        source: ({ ring }) => ring("/kmesg", capacity),
      }),
    }),
  });
}
