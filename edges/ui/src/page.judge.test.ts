import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { pageDir } from "@skep/edge-ui";
import type { Page } from "playwright-core";
import { go as goOn, HivePage, noBrowser, shots } from "./hive-page.judge.test.ts";

const modules = fileURLToPath(new URL("../../../examples/modules/", import.meta.url));
const skip = noBrowser;

let hive: HivePage;
let page: Page;

const go = (hash: string) => goOn(page, hash);

before(async () => {
  if (skip) return;
  hive = await HivePage.open();
});

after(async () => {
  await hive?.[Symbol.asyncDispose]();
});

test("the page is under 400 kB in all, and what it needs first under 50", { skip }, () => {
  const dir = pageDir();
  const index = readFileSync(join(dir, "index.html"), "utf8");
  const all = [
    ...readFileSync(join(dir, "index.html"), "utf8").matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g),
  ];
  const sizeOf = (name: string) => gzipSync(readFileSync(join(dir, name)), { level: 9 }).length;
  const first = all.reduce((sum, [, name = ""]) => sum + sizeOf(name), gzipSync(index).length);
  assert.ok(first < 50_000, `${first} bytes`);
  const files = readdirSync(join(dir, "assets")).filter((name) => !name.endsWith(".gz"));
  const names = files.map((name) => `assets/${name}`);
  const whole = names.reduce((sum, name) => sum + sizeOf(name), 0);
  assert.ok(names.length > all.length && whole < 400_000, `${whole} bytes in ${names.length} files`);
  assert.doesNotMatch(index, /<script(?![^>]*src=)|<style|style=/);
});

test("it opens with a link that works once and shows the hive at once", {
  skip,
  timeout: 180_000,
}, async (t) => {
  page = await hive.signedIn(await hive.window());
  await page.waitForFunction(() => document.querySelector(".figure b")?.textContent === "2");
  const useful = await page.evaluate(() => performance.now());
  const paint = await page.evaluate(() =>
    performance.getEntriesByType("paint").map(({ startTime }) => startTime),
  );
  t.diagnostic(
    `first paint ${Math.round(paint[0] ?? 0)} ms, both machines shown after ${Math.round(useful)} ms`,
  );
  assert.equal(new URL(page.url()).hash, "#/hive");
  await page.waitForSelector("canvas");
});

test("a module that is dropped runs to a receipt that this browser verifies", {
  skip,
  timeout: 180_000,
}, async () => {
  await go("#/jobs");
  const bytes = [...readFileSync(join(modules, "reverse.wasm"))];
  const dropped = await page.evaluateHandle((given) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(given)], "reverse.wasm", { type: "application/wasm" }));
    return transfer;
  }, bytes);
  await page.dispatchEvent(".drop", "drop", { dataTransfer: dropped });
  await page.fill(".drop textarea", "Hello");
  await page.click(".drop button.act");
  // It only reads: it asks, and does nothing.
  await page.click("dialog button.strong");
  await page.waitForSelector(".arm.armed");
  await page.click(".drop button.act");
  await page.waitForSelector('.verdict[data-verdict="true"]', { timeout: 180_000 });
  await page.waitForFunction(() => document.querySelector(".lines")?.textContent?.includes("olleH"));
  assert.equal(await page.locator(".receipt .checks .tone-ok").count(), 4);
  await page.screenshot({ path: join(shots, "journey-receipt.png") });
});

test("one's own refusal is explained, with its code, and stands in the log with its proof", {
  skip,
  timeout: 180_000,
}, async () => {
  const job = new URL(page.url()).hash.split("/").at(-1) ?? "";
  await go("#/files/jobs/ctl");
  await page.fill("#line", `{"op":"cancel","job":"${job}"}`);
  await page.click(".control button.act");
  await page.waitForSelector(".notice.tone-bad");
  assert.match(await page.locator(".notice.tone-bad").innerText(), /jobs\.ended/);
  await page.click(".notice.tone-bad button");
  await go("#/audit/refusals");
  await page.click('.timeline a:has-text("jobs.ended")');
  await page.waitForSelector(".refusal");
  await page.waitForFunction(() => document.querySelectorAll(".checks .tone-ok").length === 2);
  assert.match(await page.locator(".refusal").innerText(), /Cannot cancel a job that has ended/);
});

test("the slider goes back to where there was no job, and to now", { skip, timeout: 180_000 }, async () => {
  await go("#/jobs");
  await page.waitForSelector(".rows a");
  await page.click("button.clock");
  await page.focus(".timebar input");
  await page.keyboard.press("Home");
  await page.waitForSelector("text=No jobs at that time");
  assert.match(page.url(), /\?at=1$/);
  await page.screenshot({ path: join(shots, "journey-past.png") });
  await page.click("text=Back to now");
  await page.waitForSelector(".rows a");
});

test("a stream goes on through a restart of the daemon, and no line is lost or said twice", {
  skip,
  timeout: 180_000,
}, async () => {
  await go("#/files/log/queen.log");
  const linesOf = () =>
    page.evaluate(() =>
      [...document.querySelectorAll(".lines .line")].map((line) => (line.textContent ?? "").trim()),
    );
  const say = async (from: number) => {
    for (let at = from; at < from + 3; at += 1)
      await hive.skep("echo", `line ${at} of the tail`, "/log/queen.log");
  };
  await say(0);
  await page.waitForFunction(() => document.body.innerText.includes("line 2 of the tail"));
  await hive.down();
  await page.waitForSelector("text=reconnecting");
  await hive.up();
  await say(3);
  await page.waitForFunction(() => document.body.innerText.includes("line 5 of the tail"), undefined, {
    timeout: 40_000,
  });
  const found = (await linesOf()).flatMap((line) => /line (\d) of the tail/.exec(line)?.[1] ?? []);
  assert.deepEqual(found, ["0", "1", "2", "3", "4", "5"]);
  await page.waitForSelector(".standing >> text=live");
});

test("a link survives the restart, and the page is read-only again", { skip, timeout: 180_000 }, async () => {
  const jobs = (await hive.skep("ls", "/jobs")).match(/\d+/g) ?? [];
  await go(`#/jobs/${jobs[0]}`);
  await page.reload();
  await page.waitForSelector(`h1:has-text("Job ${jobs[0]}")`);
  await page.waitForSelector('.verdict[data-verdict="true"]');
  assert.equal(await page.locator(".arm.armed").count(), 0);
});

test("arming is seen, and ends by itself", { skip, timeout: 180_000 }, async () => {
  await page.keyboard.press("A");
  await page.waitForSelector(".arm.armed");
  await page.waitForFunction(() => document.documentElement.dataset.armed === "true");
  // Sixteen minutes for the page; that the hive forgets too is a test of the edge.
  await page.evaluate(() => {
    const real = Date.now;
    Date.now = () => real() + 16 * 60_000;
  });
  await page.waitForSelector(".arm:not(.armed)");
  // The hive did not wait that long: the page learns so, and gives the right back.
  await page.reload();
  await page.waitForSelector(".arm.armed");
  await page.keyboard.press("A");
  await page.waitForSelector(".arm:not(.armed)");
});

test("the search box is a key away, and opens what it finds", { skip, timeout: 180_000 }, async () => {
  await page.keyboard.press("Escape");
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "search");
  await page.keyboard.type("doctor");
  await page.waitForSelector("#hit-0");
  await page.keyboard.press("Enter");
  await page.waitForSelector('h1:has-text("Doctor")');
});

test("the console speaks as the console does", { skip, timeout: 180_000 }, async () => {
  await go("#/console");
  await page.waitForSelector(".console input");
  for (const line of ["LS /queen", "CAT /proc/lifecycle/state", "LS /nope", "ECHO /log/queen.log hi"]) {
    await page.fill(".console input", line);
    const before = await page.locator(".transcript > div").count();
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (count) => document.querySelectorAll(".transcript > div").length > count + 1,
      before,
    );
  }
  const said = await page.locator(".transcript").innerText();
  assert.match(said, /OK LS path=\/queen entries=\d+\nctl/);
  assert.match(said, /OK CAT path=\/proc\/lifecycle\/state data=/);
  assert.match(said, /ERR LS reason=policy detail=invalid-path path=\/nope error=invalid path/);
  assert.match(said, /ERR ECHO reason=policy detail=http\.unarmed/);
});

test("nothing went wrong on the way: no error, no violation of the policy, nobody else was asked", {
  skip,
}, () => {
  assert.deepEqual(hive.wrong, []);
});
