import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { go, HivePage, noBrowser, shots } from "./hive-page.judge.test.ts";

const sizes = [
  [390, 844, "dark"],
  [1440, 900, "dark"],
  [390, 844, "light"],
  [1440, 900, "light"],
  [320, 640, "light"],
] as const;

let hive: HivePage;
let context: BrowserContext;
let page: Page;
let views: readonly string[] = [];

before(async () => {
  if (noBrowser) return;
  hive = await HivePage.open();
  await hive.run("sha256.wasm", "x");
  await hive.runAll("sha256.wasm", ["a", "b"]);
  await hive.skep("echo", '{"new":"segment","mime":"text/plain"}', "/queen/telemetry/probe/ctl");
  await hive.tried("echo", '{"kill":"nobody"}', "/queen/ctl");
  const [machine] = (await hive.skep("ls", "/worker")).match(/[\w-]+/g) ?? [];
  const array = (await hive.skep("ls", "/jobs")).match(/\d+/g)?.at(-1);
  const device = "queen/telemetry/probe";
  const objects = [
    ...[`hive/${machine}`, `machines/${machine}`, "files/jobs/ctl", "audit/1"],
    ...[`jobs/${array}`, `telemetry/${device}`, `telemetry/${device}/seg/seg-000001`],
  ];
  const names = ["hive", "jobs", "machines", "schedule", "telemetry", "files", "approvals", "audit"];
  views = [...names, "console", "doctor", "recordings", ...objects];
  context = await hive.window();
  page = await hive.signedIn(context);
  await page.evaluate(() => {
    const seen: string[] = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      seen.push(`${violatedDirective} ${blockedURI}`),
    );
    Object.assign(globalThis, { violations: seen });
  });
});

after(async () => {
  await hive?.[Symbol.asyncDispose]();
});

/** Words whose colours do not stand out from what is behind them as WCAG AA asks, as they are drawn. */
function faint(): string[] {
  type Colour = readonly [number, number, number, number];
  const parse = (text: string): Colour => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return text.startsWith("color(srgb") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a]: Colour, [x, y, z]: Colour): Colour => [
    r * a + x * (1 - a),
    g * a + y * (1 - a),
    b * a + z * (1 - a),
    1,
  ];
  const groundOf = (element: Element): Colour => {
    const own = parse(getComputedStyle(element).backgroundColor);
    if (own[3] === 1) return own;
    return over(own, element.parentElement ? groundOf(element.parentElement) : [255, 255, 255, 1]);
  };
  const light = (colour: Colour): number => {
    const [r = 0, g = 0, b = 0] = colour.slice(0, 3).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = new Set<string>();
  for (const element of document.querySelectorAll<HTMLElement>("body *")) {
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    const text = own.map(({ textContent }) => textContent?.trim()).join("");
    if (text === "" || !element.checkVisibility({ opacityProperty: true })) continue;
    if (element.closest(":disabled, svg, .hidden, .skip, noscript")) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const ground = groundOf(element);
    const [high = 0, low = 0] = [light(over(parse(color), ground)), light(ground)].sort((a, b) => b - a);
    const isLarge = Number.parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (isLarge ? 3 : 4.5)) bad.add(`"${text.slice(0, 30)}" ${ratio.toFixed(2)}`);
  }
  return [...bad];
}

/** What can be clicked and has no name, or stands twice under one id. */
function nameless(): string[] {
  const bad: string[] = [];
  for (const one of document.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea")) {
    if (!one.checkVisibility() || one.getAttribute("aria-hidden") === "true") continue;
    const label = one.closest("label")?.textContent ?? "";
    const name = one.getAttribute("aria-label") ?? one.title ?? "";
    if (`${name}${label}${one.textContent}`.trim() === "") bad.push(one.outerHTML.slice(0, 90));
  }
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return [...bad, ...ids.filter((id, at) => ids.indexOf(id) !== at)];
}

for (const [width, height, scheme] of sizes)
  test(`every view fits ${width} pixels, has names and the contrast of WCAG AA in the ${scheme} scheme`, {
    skip: noBrowser,
    timeout: 180_000,
  }, async (t) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    const dir = join(shots, `${width}-${scheme}`);
    mkdirSync(dir, { recursive: true });
    for (const view of views) {
      await go(page, `#/${view}`);
      await page.waitForFunction(
        () => document.querySelector("h1, h2") && !document.querySelector(".waiting"),
      );
      if (view === "telemetry") await page.waitForSelector(".plot canvas");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${view} is ${wide} pixels wider than ${width}`);
      assert.deepEqual(await page.evaluate(faint), [], view);
      assert.deepEqual(await page.evaluate(nameless), [], view);
      await page.screenshot({ path: join(dir, `${view.replaceAll("/", "-")}.png`), timeout: 20_000 });
    }
    t.diagnostic(`pictures: ${dir}`);
  });

/** Marks what can be acted on; of radios and tabs of one group the arrows reach the others. */
function markWanted(): number {
  const all = [
    ...document.querySelectorAll<HTMLElement>(
      "a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']",
    ),
  ].filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.closest("[inert]"));
  for (const old of document.querySelectorAll<HTMLElement>("[data-wanted]")) delete old.dataset.wanted;
  for (const [at, one] of all.entries()) one.dataset.wanted = String(at);
  return all.length;
}

/** What has the focus, and whether that is seen. */
function focused(): { readonly at: string; readonly text: string; readonly seen: boolean } {
  const one = document.activeElement as HTMLElement | null;
  if (!one || one === document.body) return { at: "", text: "", seen: true };
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
  const within = one.parentElement ? getComputedStyle(one.parentElement) : undefined;
  const outlined = outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
  const byParent = within !== undefined && (within.outlineStyle !== "none" || within.boxShadow !== "none");
  const seen = outlined || boxShadow !== "none" || byParent;
  return { at: one.dataset.wanted ?? "", text: one.outerHTML.slice(0, 90), seen };
}

test("Tab walks through every view: it reaches whatever can be acted on, shows where it is, and is caught nowhere", {
  skip: noBrowser,
  timeout: 300_000,
}, async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const view of views) {
    await go(page, `#/${view}`);
    await page.waitForSelector("main");
    await page.waitForFunction(() => !document.querySelector(".waiting"));
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const wanted = await page.evaluate(markWanted);
    const left = new Set(Array.from({ length: wanted }, (_, at) => String(at)));
    const unseen: string[] = [];
    // What comes to the page while it is walked through has its turn too.
    for (let at = 0; at < wanted + 40 && left.size > 0; at += 1) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(focused);
      left.delete(now.at);
      if (!now.seen) unseen.push(now.text);
    }
    assert.deepEqual(unseen, [], `${view}: the focus is not seen`);
    const never = await page.evaluate(
      (ids) =>
        [...document.querySelectorAll<HTMLElement>("[data-wanted]")]
          .filter((one) => one.isConnected && ids.includes(one.dataset.wanted ?? ""))
          .map((one) => one.outerHTML.slice(0, 90)),
      [...left],
    );
    assert.deepEqual(never, [], `${view}: Tab never comes there`);
  }
});

test("every view and every action of the page is reached with the keyboard alone", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const view of views.filter((one) => !one.includes("/"))) {
    await go(page, `#/${view}`);
    await page.waitForSelector("main");
    await page.waitForFunction(() => !document.querySelector(".waiting"));
    // Tab goes along the tree: what it never reaches has no place in the order, or is covered by nothing focusable.
    const lost = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("main *")]
        .filter((one) => one.checkVisibility() && getComputedStyle(one).cursor === "pointer")
        .filter(
          (one) => !one.closest("a[href], button, input, select, textarea, summary, label, [tabindex='0']"),
        )
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(lost, [], view);
    const back = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("main :is(a[href], button, input, select, textarea)")]
        .filter(
          (one) => one.checkVisibility() && one.tabIndex < 0 && one.getAttribute("aria-hidden") !== "true",
        )
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(back, [], view);
  }
  for (const [key, title] of [
    ["s", "Schedule"],
    ["t", "Telemetry"],
    ["r", "Recordings"],
    ["p", "Approvals"],
  ]) {
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press("g");
    await page.keyboard.press(key ?? "");
    await page.waitForSelector(`h1:has-text("${title}")`);
  }
});

test("the page broke no rule of its policy, told no error and asked nobody else", {
  skip: noBrowser,
}, async () => {
  assert.deepEqual(await page.evaluate(() => (globalThis as { violations?: string[] }).violations), []);
  assert.deepEqual(hive.wrong, []);
});
