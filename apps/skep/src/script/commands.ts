import { readFile } from "node:fs/promises";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { version } from "../version.ts";
import { type Mode, modes } from "./suites.ts";
import type { Tested } from "./test-hive.ts";

const fault = faults("script", {
  mode: ["invalid", "Cannot run this suite", { cure: `Choose one of ${modes.join(", ")}` }],
  timeout: ["timeout", "Cannot finish the suite in time"],
});

/** Connections of the suite `parallel`. */
const atOnce = 4;

const place = {
  console: { kind: "string", doc: "Talk to the console at HOST:PORT, not to the hive over 9P" },
  "token-file": { kind: "file", doc: "File with the console's token" },
} as const;

const script: Command = command({
  name: "script",
  group: "files",
  summary: "Run a script of console lines with what it expects",
  doc: "The grammar of the original's .coh scripts: commands, EXPECT OK, EXPECT ERR, EXPECT SUBSTR text, EXPECT NOT text, WAIT milliseconds, and # for comments; `telemetry push FILE --device D`, `pool bench ops=64 …`, `test --mode quick` and `tcp-diag` are done by this command itself. The exit code is 1 where an expectation is not met.",
  examples: [
    { run: "skep script boot.coh", doc: "Against the hive of this home" },
    { run: "skep script boot.coh --console 127.0.0.1:31337 --token-file token", doc: "Over a console" },
  ],
  args: [{ name: "file", kind: "file", doc: "The script" }],
  flags: { ...place, transcript: { kind: "boolean", doc: "Print every line and its answer" } },
  run: async (context) => {
    const [{ parseScript, runScript }, { Conversation, placeOf }] = await Promise.all([
      import("@skep/grammar"),
      import("./transport.ts"),
    ]);
    const { out, flags, args } = context;
    const statements = parseScript(await readFile(args.file, "utf8"));
    await using conversation = new Conversation(context, placeOf(flags));
    const result = await runScript(statements, conversation);
    if (out.wantsJson) await out.json(flags.transcript ? result : { ...result, transcript: undefined });
    else {
      if (flags.transcript) for (const line of result.transcript) await out.line(line);
      if (result.pass) await out.line(toned("good", "PASS"), ` ${args.file}`);
      else await out.line(toned("bad", "FAIL"), ` ${args.file}:${result.line} ${result.why}`);
    }
    return result.pass ? 0 : 1;
  },
});

const tones = { ok: "good", failed: "bad", skipped: "dim" } as const;

async function show({ out }: Context, { checks, ok, mode, elapsed_ms }: Tested): Promise<void> {
  for (const { name, result, why } of checks)
    await out.line(toned(tones[result], result.padEnd(8)), name, why === undefined ? "" : `: ${why}`);
  await out.line(toned(ok ? "good" : "bad", ok ? "PASS" : "FAIL"), ` ${mode} in ${elapsed_ms} ms`);
}

const test: Command = command({
  name: "test",
  group: "proof",
  summary: "Test the running hive with its own suites",
  doc: "The suites stand in /proc/tests. `parallel` runs on four connections at once. What writes is skipped with --no-mutate.",
  examples: [
    { run: "skep test", doc: "The quick suite" },
    { run: "skep test --mode full --json", doc: "All of it, for a program" },
  ],
  flags: {
    mode: { kind: "string", doc: `Suite: ${modes.join(", ")}` },
    "no-mutate": { kind: "boolean", doc: "Leave out what writes" },
    timeout: { kind: "duration", doc: "Give up after this long; 60s where nothing is said" },
    ...place,
  },
  run: async (context) => {
    const { out, flags } = context;
    const mode = (flags.mode ?? "quick") as Mode;
    if (!modes.includes(mode)) throw fault.mode(mode);
    const { testHive } = await import("./test-hive.ts");
    const told = await testHive(context, {
      mode,
      connections: mode === "parallel" ? atOnce : 1,
      mutate: !flags["no-mutate"],
      timeout: flags.timeout ?? 60_000,
      flags,
      late: () => fault.timeout(mode),
    });
    if (out.wantsJson) await out.json({ ...told, version });
    else await show(context, told);
    return told.ok ? 0 : 1;
  },
});

/** `skep script` and `skep test`. */
export const scriptCommands: readonly Command[] = [script, test];
