import { defineProvider, type Provider } from "@skep/kernel";
import { modes, suites } from "./suites.ts";

/** `/proc/tests`: what `skep test` asks of the hive that serves it, as scripts of the original's grammar. */
export function testsProvider(): Provider {
  return defineProvider<null>({
    name: "tests",
    doc: "Suites that the hive can be tested with while it runs",
    journalled: false,
    initial: () => null,
    events: {},
    mounts: (t) => ({
      "/proc/tests": t.dir("Suites that the hive can be tested with while it runs: `skep test`", {
        ...Object.fromEntries(
          modes.map((mode) => [
            `selftest_${mode}.coh`,
            t.text(`The suite ${mode}`, { fixed: true, render: () => suites[mode] }),
          ]),
        ),
      }),
    }),
  });
}
