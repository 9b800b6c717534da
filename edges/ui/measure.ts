// Measures frames in Chromium: `node edges/ui/measure.ts [seconds]` prints one JSON line for each size of hive.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { bundleMeasure } from "./build.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:";

const seconds = Number(process.argv[2] ?? 20);
const dir = mkdtempSync(join(tmpdir(), "skep-measure-"));
const built = await bundleMeasure(join(dir, "page"));
const server = createServer(({ url = "/" }, response) => {
  const file = join(built, url === "/" ? "index.html" : url);
  if (!file.startsWith(built) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
  response.setHeader("Content-Security-Policy", policy);
  response.end(readFileSync(file));
});
await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
const at = server.address();
const origin = `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`;
const { chromium } = await import("playwright-core");
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
  ],
});
try {
  for (const machines of [1000, 10_000]) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    page.on("pageerror", (error) => process.stderr.write(`${error.stack}\n`));
    await page.goto(origin);
    const cdp = await page.context().newCDPSession(page);
    const heap = async () => {
      await cdp.send("HeapProfiler.collectGarbage");
      const { usedSize } = await cdp.send("Runtime.getHeapUsage");
      return usedSize / 1e6;
    };
    const call = (time: number) =>
      page.evaluate(`measure(${JSON.stringify({ machines, perSecond: 5000, seconds: time })})`);
    // Processor time of the page's own thread: what else the machine does is not in it.
    await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
    const script = async () => {
      const { metrics } = await cdp.send("Performance.getMetrics");
      return 1000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? Number.NaN);
    };
    await call(2);
    const before = await heap();
    const spent = await script();
    const found = (await call(seconds)) as Record<string, number>;
    const cpu = ((await script()) - spent) / (found.frames ?? 1);
    const grown = (await heap()) - before;
    const told = { machines, script_ms_per_frame: cpu, ...found, heap_mb: before, grown_mb: grown };
    process.stdout.write(`${JSON.stringify(told)}\n`);
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
  rmSync(dir, { recursive: true, force: true });
}
