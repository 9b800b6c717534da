import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { pack, pageName } from "@skep/evidence";
import { sampleInput, sampleRecord } from "./src/sample.ts";

const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
const skip = chromium === undefined ? "Chromium is not installed (apt: chromium)" : false;

interface Change {
  readonly name: string;
  /** A text of the page, and what it becomes; one byte differs. */
  readonly from: string | RegExp;
  readonly to: (found: string) => string;
}

/** Another character in the place of one. */
const at = (place: number) => (found: string) => {
  const other = found[place] === "A" ? "B" : "A";
  return found.slice(0, place) + other + found.slice(place + 1);
};

const changes: readonly Change[] = [
  { name: "a subject", from: String.raw`\"subject\":\"ann\"`, to: (text) => text.replace("ann", "amn") },
  { name: "a path", from: "/queen/ctl", to: (text) => text.replace("ctl", "ctx") },
  { name: "a number in a command", from: String.raw`\"ticks\":3`, to: (text) => text.replace("3", "4") },
  { name: "a verdict", from: String.raw`\"ok\":true`, to: (text) => text.replace("true", "trux") },
  { name: "the time of a record", from: "1800000001000", to: (text) => text.replace("1000", "1001") },
  { name: "a file of /proc", from: "state=ONLINE", to: (text) => text.replace("ONLINE", "ONLYNE") },
  {
    name: "the hash of a proof",
    from: /hashes\\":\[\\"[A-Za-z0-9+/]{20}/,
    to: (text) => at(text.length - 2)(text),
  },
  {
    name: "the leaf of a proof",
    from: /leaf\\":\\"[A-Za-z0-9+/]{20}/,
    to: (text) => at(text.length - 3)(text),
  },
  { name: "the place of a proof", from: String.raw`{\"seq\":2,\"leaf`, to: (text) => text.replace("2", "1") },
  {
    name: "the root in the checkpoint",
    from: /"checkpoint":"[^\\]+\\n8\\n[A-Za-z0-9+/]{12}/,
    to: (text) => at(text.length - 4)(text),
  },
  {
    name: "the size in the checkpoint",
    from: String.raw`hive-sample\n8\n`,
    to: (text) => text.replace("8", "9"),
  },
  {
    name: "the signature of the checkpoint",
    from: /"checkpoint":"[^"]+/,
    to: (text) => at(text.length - 12)(text),
  },
  { name: "the signature of the seal", from: /"seal":"[^"]+/, to: (text) => at(text.length - 12)(text) },
  {
    name: "the data root in the seal",
    from: /data sha256:[0-9a-f]{8}/,
    to: (text) => at(text.length - 1)(text),
  },
  {
    name: "the page's digest in the seal",
    from: /page sha256:[0-9a-f]{8}/,
    to: (text) => at(text.length - 1)(text),
  },
  { name: "the key", from: /\+Ae[A-Za-z0-9+/]{12}|\+A[A-Za-z0-9+/]{14}/, to: (text) => at(8)(text) },
  {
    name: "a digest in the manifest",
    from: /sha256\\":\\"[0-9a-f]{10}/,
    to: (text) => at(text.length - 2)(text),
  },
  { name: "the title", from: "<title>Skep evidence", to: (text) => text.replace("evidence", "evidance") },
  {
    name: "a text that the script shows",
    from: "Verified: every file",
    to: (text) => text.replace("every", "evary"),
  },
  { name: "a colour", from: "#0b6b3a", to: (text) => text.replace("#0b", "#1b") },
];

function apply(page: string, { name, from, to }: Change): string {
  const found = typeof from === "string" ? (page.includes(from) ? from : undefined) : from.exec(page)?.[0];
  assert.ok(found, `the page has ${name}`);
  const changed = page.replace(found, () => to(found));
  assert.equal(changed.length, page.length, name);
  assert.notEqual(changed, page, name);
  return changed;
}

test("Chromium believes a page from disk, and none in which one byte was changed", { skip }, async (t) => {
  const { chromium: launcher } = await import("playwright-core");
  const dir = mkdtempSync(join(tmpdir(), "skep-page-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const browser = await launcher.launch({ executablePath: chromium ?? "", args: ["--no-sandbox"] });
  t.after(() => browser.close());
  const context = await browser.newContext({ offline: true });
  const made = pack(
    await sampleInput(
      Array.from({ length: 8 }, (_, seq) => sampleRecord(seq)),
      1,
      7,
    ),
  );
  const page = made.files.get(pageName) ?? "";
  const open = async (text: string) => {
    const file = join(dir, "page.html");
    writeFileSync(file, text);
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(file).href);
    const body = tab.locator("body");
    const status = await tab.locator(".status").textContent();
    await tab
      .waitForFunction("document.getElementById('status') !== null", undefined, { timeout: 3000 })
      .catch(() => undefined);
    const told = {
      status,
      colour: await body.getAttribute("class"),
      root: await tab
        .locator("#root")
        .textContent({ timeout: 200 })
        .catch(() => null),
      page: await tab
        .locator("#page")
        .textContent({ timeout: 200 })
        .catch(() => null),
      rows: await tab.locator("tbody tr").count(),
    };
    await tab.close();
    return told;
  };
  const good = await open(page);
  assert.equal(good.colour, "good", String(good.status));
  assert.deepEqual([good.root, good.page, good.rows], [made.root, made.page, 6]);
  assert.equal(good.page, createHash("sha256").update(page).digest("hex"));
  assert.equal(changes.length, 20);
  for (const change of changes) {
    const told = await open(apply(page, change));
    assert.deepEqual([told.colour, told.rows], ["bad", 0], change.name);
  }
});
