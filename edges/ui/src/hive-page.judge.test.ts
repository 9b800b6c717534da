// What the journeys in Chromium stand on: named as a test, because what only tests need is not published.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundle, isBuilt, pageDir } from "@skep/edge-ui";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const program = fileURLToPath(new URL("../../../apps/skep/src/main.mjs", import.meta.url));
const modules = fileURLToPath(new URL("../../../examples/modules", import.meta.url));
const chrome = "/usr/bin/chromium";
const flags = [
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--disable-sync",
  "--no-sandbox",
];
const execute = promisify(execFile);

/** Why there is no browser to test in; false where there is one. */
export const noBrowser: string | false = existsSync(chrome) ? false : "Debian's chromium is not installed";

/** Where pictures are kept: `SKEP_UI_SHOTS`, or beside what is built. */
export const shots: string =
  process.env.SKEP_UI_SHOTS ??
  fileURLToPath(new URL("../../../node_modules/.cache/skep-ui-shots", import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  await new Promise((done) => server.close(done));
  return typeof at === "object" && at ? at.port : 0;
}

/** What a daemon says when it is ready. */
export interface Ready {
  readonly http: { readonly port: number };
  readonly console?: { readonly host: string; readonly port: number };
}

/** A daemon with a home of its own, and Chromium beside it. */
export class HivePage implements AsyncDisposable {
  readonly home: string = mkdtempSync(join(tmpdir(), "skep-ui-"));
  /** Everything that a page should not have done. */
  readonly wrong: string[] = [];
  readonly #more: readonly string[];
  #browser: Browser | undefined;
  #daemon: ChildProcess | undefined;
  #port = 0;

  private constructor(more: readonly string[]) {
    this.#more = more;
  }

  /** Starts both; `more` are further flags of `skep up`. */
  static async open(...more: readonly string[]): Promise<HivePage> {
    mkdirSync(shots, { recursive: true });
    if (!isBuilt()) await bundle(pageDir());
    const made = new HivePage(more);
    made.#port = await freePort();
    await made.up();
    made.#browser = await chromium.launch({ executablePath: chrome, args: flags });
    return made;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Runs a command of the program and gives what it printed. */
  async skep(...words: readonly string[]): Promise<string> {
    const { stdout } = await execute(process.execPath, [program, ...words, "--home", this.home]);
    return stdout;
  }

  /** Runs an example module to its end and gives its output. */
  async run(name: string, input: string): Promise<string> {
    const begun = execute(process.execPath, [program, "run", "--home", this.home, join(modules, name)]);
    begun.child.stdin?.end(input);
    return (await begun).stdout;
  }

  /** Runs an example module over several inputs as one array, to the end of all. */
  async runAll(name: string, inputs: readonly string[]): Promise<void> {
    const files = inputs.map((_, at) => join(this.home, `input-${at}`));
    for (const [at, file] of files.entries()) writeFileSync(file, inputs[at] ?? "");
    const out = join(this.home, "outputs");
    mkdirSync(out);
    const flags = ["--home", this.home, "--array", "--output", out];
    await execute(process.execPath, [program, "run", ...flags, join(modules, name), ...files]);
  }

  /** `skep` for a command that may end badly. */
  async tried(...words: readonly string[]): Promise<string> {
    return this.skep(...words).catch(({ stdout, stderr }) => `${stdout}${stderr}`);
  }

  async up(): Promise<Ready> {
    const where = ["--home", this.home, "--http", `127.0.0.1:${this.#port}`, "--9p", "off"];
    const child = spawn(process.execPath, [program, "up", "--json", ...where, ...this.#more], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#daemon = child;
    const ended = new Promise<never>((_, failed) =>
      child.once("exit", (code) => failed(new Error(`Cannot start the daemon: it ended with ${code}`))),
    );
    ended.catch(() => undefined);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.ready = JSON.parse(String((await Promise.race([lines.next(), ended])).value)) as Ready;
    return this.ready;
  }

  ready: Ready = { http: { port: 0 } };

  async down(): Promise<void> {
    const child = this.#daemon;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    // A daemon that is not gone by then is gone the hard way: a page has to live through that as well.
    const late = setTimeout(() => child.kill("SIGKILL"), 6000);
    await ended;
    clearTimeout(late);
  }

  /** A window whose faults are kept in `wrong`. */
  async window(width = 1440, height = 900, scheme: "dark" | "light" = "dark"): Promise<BrowserContext> {
    if (!this.#browser) throw new Error("Cannot open a window: the browser is closed");
    const context = await this.#browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    // Only who waits for what never comes gets there: a machine that does ten things at once is slow, and no fault.
    context.setDefaultTimeout(45_000);
    context.on("page", (page) => this.#watch(page));
    return context;
  }

  #watch(page: Page): void {
    page.on("console", (message) => {
      // Refusals, and a daemon that is restarted, are reported by the browser as if they were faults of the page.
      const isAnswer = /status of 4\d\d|ERR_CONNECTION_REFUSED|WebSocket connection/.test(message.text());
      if (message.type() === "error" && !isAnswer) this.wrong.push(message.text());
    });
    page.on("pageerror", (error) => this.wrong.push(String(error.stack)));
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (hostname !== "127.0.0.1" && !["data:", "blob:"].includes(protocol))
        this.wrong.push(`asked ${request.url()}`);
    });
  }

  /** Opens the page with a link that works once. */
  async signedIn(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    await page.goto((await this.skep("ui", "--link")).trim());
    await page.waitForSelector(".figure b");
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser?.close();
    await this.down();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Shows another place of the page. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}
