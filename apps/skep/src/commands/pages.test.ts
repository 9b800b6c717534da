import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createProgram } from "./table.ts";

const root = join(import.meta.dirname, "../../../..");
const pages = globSync(
  ["README.md", "docs/**/*.md", "{apps,edges,examples,lib,providers,sdk,testing}/*/README.md"],
  { cwd: root },
);

/** What a page tells to type: in backticks, or at the beginning of a line of a block, or in a shell's own words. */
function linesOf(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/(?:`|^ *|\$\(|\| )(?:sudo )?(?:npx )?skep ([a-z][^`\n#|'")]*)/gm)].map(
    ([, words = ""]) => words.trim(),
  );
}

test("every command that a page tells is there, with the flags that it is given", () => {
  const { commands } = createProgram();
  const global = ["home", "json", "context", "help"];
  const all = pages.flatMap((page) => linesOf(page).map((words) => ({ page, words })));
  assert.ok(all.length > 300, String(all.length));
  for (const { page, words } of all) {
    const found = commands
      .filter(({ name }) => `${words} `.startsWith(`${name} `))
      .sort((a, b) => b.name.length - a.name.length)[0];
    // A family of commands may be meant.
    const isFamily = commands.some(({ name }) => name.startsWith(`${words} `));
    assert.ok(found || isFamily || words.startsWith("help"), `${page}: no command: skep ${words}`);
    const [own = ""] = words.split(" -- ");
    for (const [, flag = ""] of own.matchAll(/(?<= )--([a-z0-9-]+)/g))
      assert.ok(
        found && (flag in found.flags || global.includes(flag)),
        `${page}: no flag --${flag}: ${words}`,
      );
  }
});
