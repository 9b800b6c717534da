import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundle, bundleMeasure, isBuilt, pageDir } from "@skep/edge-ui";
import { startHive } from "../hive.ts";
import type { Bench, Measured } from "../row.ts";

const chrome = "/usr/bin/chromium";
const args = [
  "--no-sandbox",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--disable-background-networking",
];
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:";
const perSecond = 5000;

interface Told {
  readonly frames: number;
  readonly events: number;
  readonly freshness: number;
  readonly fresh99: number;
}

/** Serves a built page on loopback, under the policy that the daemon serves it with. */
async function serve(dir: string): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer(({ url = "/" }, response) => {
    const file = join(dir, url === "/" ? "index.html" : url);
    if (!file.startsWith(dir) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
    response.setHeader("Content-Security-Policy", policy);
    response.end(readFileSync(file));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  return {
    origin: `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`,
    [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())),
  };
}

async function frames(origin: string, machines: number, seconds: number): Promise<readonly Measured[]> {
  const { chromium } = await import("playwright-core");
  await using browser = await chromium.launch({ executablePath: chrome, args });
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
  await page.goto(origin);
  const cdp = await page.context().newCDPSession(page);
  // Processor time of the page's own thread: what else the machine does is not in it.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const script = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return 1000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? Number.NaN);
  };
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    return (await cdp.send("Runtime.getHeapUsage")).usedSize / 1e6;
  };
  const call = (time: number) =>
    page.evaluate(`measure(${JSON.stringify({ machines, perSecond, seconds: time })})`) as Promise<Told>;
  await call(2);
  const spent = await script();
  // Twice while it runs, so that what the page holds then is counted, and not what is left of it.
  const telling = call(seconds);
  const settled = Math.min(30, seconds / 3);
  await sleep(1000 * settled);
  const held = await heap();
  await sleep(1000 * (seconds - settled - 2));
  const grown = (await heap()) - held;
  const told = await telling;
  const perFrame = ((await script()) - spent) / told.frames;
  const name = `ui, ${machines} machines`;
  return [
    {
      name: `${name}: script per frame`,
      unit: "ms",
      runs: [perFrame],
      goal: { most: machines > 1000 ? 12 : 4 },
    },
    { name: `${name}: oldest news shown`, unit: "ms", runs: [told.freshness], goal: { most: 1000 } },
    { name: `${name}: p99 of the news shown`, unit: "ms", runs: [told.fresh99], goal: { most: 1000 } },
    {
      name: `${name}: heap grown in ${Math.round(seconds - settled - 2)} s`,
      unit: "MB",
      runs: [grown],
      goal: { most: 5 },
    },
    { name: `${name}: events taken in`, unit: "/s", runs: [told.events / seconds] },
  ];
}

const program = fileURLToPath(new URL("../../../apps/skep/src/main.mjs", import.meta.url));
const opened = 5;

// The page notes itself when its one machine was drawn: asking it from outside takes a turn of a busy browser more.
const noteUseful = `new MutationObserver((_, observer) => {
  if (document.querySelector(".figure b")?.textContent !== "1") return;
  observer.disconnect();
  const note = () => document.documentElement.setAttribute("data-useful", performance.now());
  requestAnimationFrame(() => setTimeout(note));
}).observe(document, { childList: true, subtree: true, characterData: true });`;

/** From the click on the link to the page that shows the hive's machines, each time by a browser that knows nothing. */
async function firstPaint(): Promise<readonly Measured[]> {
  if (!isBuilt()) await bundle(pageDir());
  const { chromium } = await import("playwright-core");
  await using hive = await startHive(["--http", "0", "--workers", "1"]);
  await using browser = await chromium.launch({ executablePath: chrome, args });
  const runs: number[] = [];
  for (let at = 0; at < opened; at += 1) {
    const words = [program, "ui", "--link", "--home", hive.ready.home];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    await using context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript({ content: noteUseful });
    await page.goto(stdout.trim());
    const useful = page.locator("html[data-useful]");
    await useful.waitFor();
    runs.push(Number(await useful.getAttribute("data-useful")));
  }
  return [{ name: "ui: first useful paint", unit: "ms", runs, goal: { most: 1000 } }];
}

/** The scene in Chromium with 5,000 events a second offered; `SKEP_BENCH_UI_SECONDS` for longer than 20 seconds. */
export const ui: Bench = {
  name: "ui",
  extra: true,
  async run(tell) {
    if (!existsSync(chrome)) {
      tell("skipped: Debian's chromium is not installed");
      return [];
    }
    const seconds = Number(process.env.SKEP_BENCH_UI_SECONDS ?? 20);
    const dir = mkdtempSync(join(tmpdir(), "skep-ui-"));
    try {
      await using served = await serve(await bundleMeasure(join(dir, "page")));
      tell("first useful paint");
      const found: Measured[] = [...(await firstPaint())];
      for (const machines of [1000, 10_000]) {
        tell(`${machines} machines, ${perSecond} events a second, ${seconds} s`);
        found.push(...(await frames(served.origin, machines, seconds)));
      }
      return found;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};
