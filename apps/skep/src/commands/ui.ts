import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Command, type Context, command } from "@skep/edge-cli";
import { delay } from "@skep/clock";
import { faults } from "@skep/fault";
import { ownerTicketFile } from "../access/tickets.ts";
import { connect, targetOf } from "../client/connect.ts";
import { readText } from "../client/files.ts";
import { realClock } from "../clock.ts";
import { askCode, type HttpPlace, httpPlace, isUsed } from "../http/ask.ts";

const fault = faults("ui", {
  late: ["timeout", "Cannot wait longer: nobody opened the page", { cure: "Run `skep ui` again" }],
});

/** Milliseconds that a code lives. */
const lives = 60_000;

async function addressOf(context: Context): Promise<string | undefined> {
  await using client = await connect(targetOf(context), context.signal);
  const boot = JSON.parse((await client.readAll("/proc/boot.json")).toString()) as {
    edges?: Record<string, string>;
  };
  return boot.edges?.http;
}

// The code stands in a file that only its owner can read, and so in no process list and no history of a shell.
function writeLink(dir: string, url: string): string {
  const path = join(dir, `skep-ui-${randomBytes(8).toString("hex")}.html`);
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(
      file,
      `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
        `<meta http-equiv="refresh" content="0;url=${url}"><title>Skep</title><a href="${url}">Open Skep</a>\n`,
    );
  } finally {
    closeSync(file);
  }
  return path;
}

/** True when something that opens files was started. */
function openFile(path: string, env: Context["io"]["env"]): Promise<boolean> {
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn("xdg-open", [path], { stdio: "ignore", detached: true });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

async function untilUsed(
  place: HttpPlace,
  ticket: string,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  const until = realClock.monotonic() + lives;
  while (realClock.monotonic() < until && !signal.aborted) {
    await delay(realClock, 500, signal).catch(() => undefined);
    if (await isUsed(place, ticket, id)) return true;
  }
  return false;
}

async function run(context: Context, wantsLink: boolean): Promise<number> {
  const { out, signal, io } = context;
  const target = targetOf(context);
  const place = await httpPlace(await addressOf(context), target.home);
  const ticket =
    target.aname !== "" ? target.aname : (readText(ownerTicketFile(target.home ?? "")) ?? "").trim();
  const { code, id } = await askCode(place, ticket);
  const url = `${place.origin}/#code=${code}`;
  if (wantsLink) {
    if (out.wantsJson) await out.json({ link: url, expires_s: lives / 1000 });
    else await out.line(url);
    return 0;
  }
  const path = writeLink(io.env.XDG_RUNTIME_DIR || target.home || ".", url);
  try {
    const opened = await openFile(path, io.env);
    if (out.wantsJson) await out.json({ page: pathToFileURL(path).href, opened, expires_s: lives / 1000 });
    else if (opened) out.message("Opening the page; its link works once, for 60 seconds");
    else out.message(`Open ${pathToFileURL(path).href} in a browser within 60 seconds`);
    if (await untilUsed(place, ticket, id, signal)) {
      out.message("The page is open");
      return 0;
    }
    throw fault.late();
  } finally {
    rmSync(path, { force: true });
  }
}

/** `skep ui`. */
export const ui: Command = command({
  name: "ui",
  group: "hive",
  summary: "Open the page of the hive in a browser",
  doc: "The page may what your ticket may, and only reads until you arm it. Its link works once, for 60 seconds.",
  examples: [
    { run: "skep ui", doc: "In the browser of this desktop" },
    { run: "skep ui --link", doc: "Print the link, for a browser elsewhere" },
  ],
  flags: { link: { kind: "boolean", doc: "Print the link with its code instead of opening it" } },
  run: (context) => run(context, context.flags.link === true),
});
