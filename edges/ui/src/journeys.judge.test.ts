import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { clientLine, encodeFrame, FrameReader } from "@skep/grammar";
import type { Page } from "playwright-core";
import { go, HivePage, noBrowser, shots } from "./hive-page.judge.test.ts";

const noKeygen = spawnSync("ssh-keygen", ["-?"]).error ? "ssh-keygen is not installed" : false;
const asks =
  '@id("base") permit (principal, action, resource);\n' +
  '@id("kill") @approvals("1") @ttl("1h") forbid (principal, action == Action::"kill", resource);\n';

let hive: HivePage;
let page: Page;

before(async () => {
  if (noBrowser) return;
  hive = await HivePage.open("--console", "0");
  page = await hive.signedIn(await hive.window());
});

after(async () => {
  await hive?.[Symbol.asyncDispose]();
});

function keyOf(name: string): string {
  const file = join(hive.home, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return readFileSync(`${file}.pub`, "utf8").trim();
}

test("an act that waits shows the statement to sign, byte for byte, and runs once it is signed with an SSH key", {
  skip: noBrowser || noKeygen,
  timeout: 180_000,
}, async () => {
  const dir = join(hive.home, "rules");
  mkdirSync(dir);
  writeFileSync(join(dir, "a.cedar"), asks);
  writeFileSync(join(dir, "signers"), `ann,owner ${keyOf("ann")}\nbob ${keyOf("bob")}\n`);
  await hive.skep("policy", "apply", dir);
  await hive.skep("policy", "signers", join(dir, "signers"));
  await hive.skep("echo", '{"spawn":"heartbeat","ticks":3}', "/queen/ctl");
  const asked = await hive.tried("echo", '{"kill":"worker-1","$reason":"it is loud"}', "/queen/ctl");
  const [, id = ""] = /action: "(\d+)"/.exec(asked) ?? [];
  await page.click('.pressure a:has-text("waiting for approval")');
  await page.click(`.rows a:has-text("${id}")`);
  await page.waitForSelector('header .chip:has-text("waiting")');
  const statement = await page.locator('[aria-label="Statement"] pre').textContent();
  assert.equal(statement, await hive.skep("cat", `/actions/${id}/statement`));
  assert.match(statement ?? "", /\nreason: it is loud\n/);
  const commands = await page.locator('[aria-label="Statement"] .cli code').allInnerTexts();
  assert.deepEqual(commands, [`skep approve ${id}`, `skep approve ${id} --key ~/.ssh/id_ed25519_sk.pub`]);
  await page.click('summary:has-text("QR code")');
  await page.waitForSelector("svg.qr path");
  await page.screenshot({ path: join(shots, "journey-approval.png") });
  await hive.skep("approve", id, "--key", join(hive.home, "bob"), "--yes");
  await page.waitForSelector('header .chip:has-text("ran")');
  await go(page, "#/machines");
  await page.waitForFunction(() => !document.querySelector(".rows")?.textContent?.includes("worker-1"));
});

test("a machine whose owner takes it back is frozen on the page with the reason, and ready when it is lent again", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  const worker = join(hive.home, "workers", "0");
  const subject: readonly string[] = (await hive.skep("ls", "/worker")).match(/w-[\w-]+/g) ?? [];
  await go(page, "#/machines");
  await hive.skep("pause", "--worker-home", worker);
  const row = page.locator(".rows li", { hasText: "frozen" });
  await row.waitFor();
  const name = (await row.locator("b").innerText()).trim();
  assert.ok(subject.includes(name));
  await go(page, `#/machines/${name}`);
  await page.waitForSelector('.why:has-text("the owner said pause")');
  await page.screenshot({ path: join(shots, "journey-frozen.png") });
  await hive.skep("resume", "--worker-home", worker);
  await page.waitForSelector('header .chip:has-text("ready")');
  await page.waitForSelector('.why:has-text("it waits for work")');
});

test("what a machine measures is drawn as it comes, and the hive's own metrics with it", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  await hive.skep("echo", '{"spawn":"heartbeat","ticks":100}', "/queen/ctl");
  await go(page, "#/telemetry/worker/worker-2/telemetry");
  await page.waitForSelector(".output");
  for (const temp of [20, 21.5])
    await hive.skep("echo", `temp=${temp} fan=900`, "/worker/worker-2/telemetry");
  await page.waitForSelector('.plot .chip:has-text("temp 21.5")');
  await page.waitForSelector(".plot canvas");
  await go(page, "#/telemetry");
  await page.fill('[aria-label="Find metrics"]', "reads_total");
  await page.waitForSelector('.plot:has-text("per second") canvas');
});

test("a job stands in the lane of the machine that ran it", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  assert.match(await hive.run("sha256.wasm", "x"), /[0-9a-f]{64}/);
  const [job = ""] = (await hive.skep("ls", "/jobs")).match(/\d+/g) ?? [];
  const worker = /"worker":"([^"]+)"/.exec(await hive.skep("cat", `/jobs/${job}/status.json`))?.[1];
  await go(page, "#/schedule");
  const lane = page.locator(".lane", { has: page.locator(`a.who:has-text("${worker}")`) });
  await lane.locator(`a[aria-label="Job ${job}: done"]`).waitFor();
});

test("an array is counted, and each of its jobs is a click away", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  await hive.runAll("sha256.wasm", ["a", "b", "c"]);
  await go(page, "#/jobs");
  await page.click('.rows a:has-text("3 of 3 done")');
  await page.waitForSelector('h2:has-text("3 jobs")');
  await page.click('.rows a:has(b:text-matches("\\\\.2$"))');
  await page.waitForSelector('.verdict[data-verdict="true"]');
});

const isAck = (line: string): boolean => /^(OK|ERR) /.test(line);

/** What the real console acknowledges commands with, over its socket. */
async function acknowledged(script: readonly string[]): Promise<readonly string[]> {
  const { host = "", port = 0 } = hive.ready.console ?? {};
  const token = readFileSync(join(hive.home, "secrets", "console.token"), "utf8").trim();
  const socket = connect({ host, port });
  const reader = new FrameReader(8192);
  const acks: string[] = [];
  socket.on("data", (bytes) => {
    for (const event of reader.push(bytes))
      if (event.kind === "line" && isAck(event.text)) acks.push(event.text);
  });
  for (const [at, line] of [`AUTH ${token}`, ...script].entries()) {
    socket.write(encodeFrame(line));
    while (acks.length <= at) await once(socket, "data");
  }
  socket.destroy();
  return acks.slice(1);
}

test("help, attach, log, spawn, tail and quit are acknowledged byte for byte as the real console does", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  const script = [
    ...[
      "HELP",
      "ATTACH queen",
      "LOG",
      'SPAWN {"spawn":"heartbeat","ticks":2}',
      "LS /nope",
      "TAIL /log/queen.log",
    ],
    // As people and scripts of the original type them.
    ...["help", "attach queen", "log", "spawn heartbeat ticks=2", "tail /log/queen.log", "quit"],
  ];
  const real = await acknowledged(script.map((line) => (/^[a-z]/.test(line) ? clientLine(line) : line)));
  await go(page, "#/console");
  await page.waitForSelector(".console input");
  if ((await page.locator(".arm.armed").count()) === 0) await page.click(".arm");
  await page.waitForSelector(".arm.armed");
  const acks = page.locator(".transcript .ok, .transcript .err");
  for (const [at, line] of script.entries()) {
    await page.fill(".console input", line);
    await page.press(".console input", "Enter");
    await acks.nth(at).waitFor();
  }
  assert.deepEqual(await acks.allTextContents(), real);
});

test("whoever has no session is told so, however long the browser puts off the first frame", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  await using context = await hive.window();
  const alone = await context.newPage();
  // What is put off behind a frame never runs: on a busy machine the answer comes before the frame.
  await alone.addInitScript(() => {
    const real = globalThis.setTimeout;
    const put = (act: TimerHandler, ms?: number) => (Number(ms) > 20 ? 0 : real(act, ms));
    Object.assign(globalThis, { requestAnimationFrame: () => 0, setTimeout: put });
  });
  await alone.goto(`${hive.origin}/`);
  await alone.waitForSelector(".signin");
});

test("a recording plays on the same scene without a session, and says so", {
  skip: noBrowser,
  timeout: 180_000,
}, async () => {
  const context = await hive.window(1440, 900);
  const alone = await context.newPage();
  const asked: string[] = [];
  await alone.goto(`${hive.origin}/`);
  await alone.waitForSelector(".signin");
  alone.on("request", (request) => asked.push(request.url()));
  await alone.click('button:has-text("Play the demo")');
  await alone.waitForSelector(".standing >> text=recording");
  await alone.waitForSelector("canvas");
  assert.equal(await alone.locator(".figure b").first().innerText(), "5");
  await alone.focus('.timebar input[type="range"]');
  await alone.keyboard.press("Home");
  await alone.waitForFunction(() => document.querySelector(".figure b")?.textContent === "0");
  await alone.click('.timebar button:has-text("Play")');
  await alone.waitForFunction(() => document.querySelector(".figure b")?.textContent === "5");
  await alone.screenshot({ path: join(shots, "journey-recording.png") });
  await go(alone, "#/jobs/15");
  await alone.waitForSelector("article, .trouble");
  assert.equal(asked.filter((url) => url.includes("/v1/tree")).length, 0);
  await context.close();
});

test("nothing went wrong on the way", { skip: noBrowser }, () => assert.deepEqual(hive.wrong, []));
