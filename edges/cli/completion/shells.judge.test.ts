import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sample } from "../sample.ts";
import { completionScript, type Shell } from "./scripts.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-completion-"));
after(() => rmSync(dir, { recursive: true }));

const main = fileURLToPath(new URL("../sample-main.ts", import.meta.url));
writeFileSync(join(dir, "skep"), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
chmodSync(join(dir, "skep"), 0o755);
writeFileSync(join(dir, "module.wasm"), "");

const has = (shell: Shell) => spawnSync(shell, ["--version"]).error === undefined;
const skipped = (shell: Shell) => (has(shell) ? {} : { skip: `${shell} is not installed` });

/** The words before the cursor, the last one half-typed, and what must be offered among the rest. */
const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["ti"], ["ticket"]],
  [
    ["ticket", ""],
    ["mint", "revoke"],
  ],
  [["--home", "/tmp", "ticket", "re"], ["revoke"]],
  [["ticket", "mint", "--ro"], ["--role"]],
  [["ticket", "mint", "--role", "ob"], ["observer"]],
  [["ls", "--l"], ["--long"]],
  [["ls", "/l"], ["/log/"]],
  [["run", "--time", "3s", "mod"], ["module.wasm"]],
  [["run", "module.wasm", "--", "mod"], ["module.wasm"]],
  [
    ["completion", ""],
    ["bash", "fish", "zsh"],
  ],
  [["help", "ticket", "m"], ["mint"]],
];

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

function ask(shell: Shell, program: string): string[] {
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, HOME: dir, XDG_CONFIG_HOME: dir };
  const flags = { bash: ["--norc", "-c"], zsh: ["-f", "-c"], fish: ["--no-config", "-c"] }[shell];
  const ran = spawnSync(shell, [...flags, program], { cwd: dir, env, encoding: "utf8" });
  return ran.stdout
    .split("\n")
    .map((line) => line.split("\t")[0]?.trim() ?? "")
    .filter(Boolean)
    .sort();
}

function script(shell: Shell): string {
  const path = join(dir, `completion.${shell}`);
  writeFileSync(path, completionScript(sample(), shell));
  return quote(path);
}

test("bash offers what fits", skipped("bash"), () => {
  const path = script("bash");
  for (const [words, expected] of cases) {
    const given = ["skep", ...words].map(quote).join(" ");
    const found = ask(
      "bash",
      `source ${path}; COMP_WORDS=(${given}); COMP_CWORD=${words.length}; _skep; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
    assert.deepEqual(found, expected, words.join(" "));
  }
});

test("bash completes a value behind an equals sign, which readline takes for a word", skipped("bash"), () => {
  const found = ask(
    "bash",
    `source ${script("bash")}; COMP_WORDS=(skep ticket mint --role = qu); COMP_CWORD=5; _skep; printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
  assert.deepEqual(found, ["queen"]);
});

test("fish offers what fits", skipped("fish"), () => {
  const path = script("fish");
  for (const [words, expected] of cases) {
    const found = ask("fish", `source ${path}; complete -C ${quote(["skep", ...words].join(" "))}`);
    for (const word of expected) assert.ok(found.includes(word), `${words.join(" ")}: ${found}`);
    assert.ok(found.length <= expected.length + 1, `${words.join(" ")}: ${found}`);
  }
});

// zsh's own functions are replaced by ones that print what they are given, and then filter as zsh would.
const stubs = `
compdef() { : }
compset() { : }
_files() { print -l -- $cur_word*(N) }
_describe() { local each; for each in "\${(@P)4}"; do print -r -- "\${each%%:*}"; done }
compadd() { print -rl -- "\${(@P)argv[-1]}" }
`;

test("zsh offers what fits", skipped("zsh"), () => {
  const path = script("zsh");
  for (const [words, expected] of cases) {
    const last = words.at(-1) ?? "";
    const given = ["skep", ...words].map(quote).join(" ");
    const found = ask(
      "zsh",
      `${stubs}\nsource ${path}; words=(${given}); CURRENT=${words.length + 1}; cur_word=${quote(last)}; _skep`,
    );
    assert.deepEqual(
      found.filter((word) => word.startsWith(last)),
      expected,
      words.join(" "),
    );
  }
});
