import { builtins } from "./builtin.ts";
import { command } from "./command.ts";
import { type Program, program } from "./program.ts";

/** A small program on which the tests of this folder run: it prints what its commands were given. */
export function sample(record: (name: string, given: unknown) => void = () => {}): Program {
  const table: Program = program({
    name: "skep",
    version: "1.2.3",
    summary: "A private cloud made of machines that people own, borrow or rent",
    examples: [{ run: "skep ls /", doc: "Look around" }],
    groups: [
      { key: "files", title: "Read and write files" },
      { key: "work", title: "Run work" },
      { key: "access", title: "Let others in" },
      { key: "about", title: "About skep" },
    ],
    commands: [
      command({
        name: "ls",
        group: "files",
        summary: "List a directory of the hive",
        examples: [{ run: "skep ls /jobs", doc: "All jobs" }],
        args: [{ name: "path", kind: "path", doc: "Directory", optional: true }],
        flags: { long: { kind: "boolean", short: "l", doc: "One line each" } },
        run: ({ args, flags }) => record("ls", { path: args.path satisfies string | undefined, ...flags }),
      }),
      command({
        name: "run",
        group: "work",
        summary: "Run a module",
        examples: [{ run: "skep run --quiet reverse.wasm", doc: "Its output and nothing else" }],
        args: [
          { name: "file", kind: "file", doc: "Module" },
          { name: "args", kind: "string", doc: "Its arguments", optional: true, rest: true },
        ],
        flags: {
          time: { kind: "duration", default: "30s", doc: "Longest run" },
          memory: { kind: "size", value: "BYTES", doc: "Most memory" },
          env: { kind: "string", repeat: true, doc: "Variable" },
        },
        passthrough: true,
        failure: 125,
        run: ({ args, flags }) => {
          record("run", { ...args, ...flags, sum: flags.time + (flags.memory ?? 0) });
          return 7;
        },
      }),
      command({
        name: "ticket mint",
        group: "access",
        summary: "Mint a ticket",
        examples: [{ run: "skep ticket mint --role observer", doc: "The token on stdout" }],
        flags: {
          role: { kind: "choice", choices: ["queen", "observer"], required: true, doc: "Role it gives" },
        },
        run: ({ flags }) => record("ticket mint", flags.role satisfies "queen" | "observer"),
      }),
      command({
        name: "ticket revoke",
        group: "access",
        summary: "Revoke a ticket",
        examples: [{ run: "skep ticket revoke t1", doc: "For ever" }],
        args: [{ name: "ticket", kind: "string", doc: "Its id" }],
        danger: "severe",
        run: async ({ args, confirm }) => {
          await confirm({ act: `Revoke ticket ${args.ticket}`, name: args.ticket });
          record("ticket revoke", args.ticket);
        },
      }),
      ...builtins(() => table, "skep", "about", { node: "24.0.0" }),
    ],
    completers: { path: async (word) => ["/jobs/", "/log/"].filter((path) => path.startsWith(word)) },
  });
  return table;
}
