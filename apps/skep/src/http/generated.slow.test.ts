import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeOwnerTicket } from "../access/tickets.ts";
import { startTestHive } from "../testing/hive.ts";

const run = promisify(execFile);
const tsc = fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));
const generator = "openapi-typescript-codegen";

function lacks(): string | false {
  try {
    createRequire(import.meta.url).resolve(generator);
    return existsSync(tsc) ? false : "TypeScript is not installed";
  } catch {
    return `${generator} is not installed`;
  }
}

// What a stranger would write against the client, its types included: a wrong one fails to compile.
const program = `
import { ApiError, CasService, type FsReply, FsService, OpenAPI, ProcService, type QueenCommand, QueenService } from "./client";

OpenAPI.BASE = process.argv[2] ?? "";
OpenAPI.TOKEN = process.argv[3] ?? "";

async function main() {
  const state = await ProcService.getProcLifecycleState();
  const read: FsReply = (await FsService.fsCat({ path: "/proc/lifecycle/state" })) as FsReply;
  const spawn: QueenCommand = { spawn: "heartbeat", ticks: 3 };
  const answer = await QueenService.postQueenCtl({ requestBody: spawn, idempotencyKey: "once" });
  const again = await QueenService.postQueenCtl({ requestBody: spawn, idempotencyKey: "once" });
  const echo = await FsService.fsEcho({ requestBody: { path: "/log/queen.log", line: "by a stranger" } });
  let refused = {};
  try {
    await CasService.getCasDigest({ digest: "0".repeat(64) });
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    refused = { status: thrown.status, code: thrown.body.code };
  }
  console.log(JSON.stringify({ state, read, answer, again, echo, refused }));
}
main();
`;

const settings = {
  compilerOptions: {
    strict: true,
    target: "es2022",
    lib: ["es2022", "dom"],
    module: "commonjs",
    moduleResolution: "bundler",
    outDir: "built",
    rootDir: ".",
    types: ["node"],
    typeRoots: [fileURLToPath(new URL("../../../../node_modules/@types", import.meta.url))],
  },
  include: ["program.ts", "client/**/*.ts"],
};

/** Types of `form-data` are asked for by the generator's fetch client, and nothing else of it. */
const shims = 'declare module "form-data";\n';

test("a client that a stranger's generator makes of the description compiles and works", {
  skip: lacks(),
}, async (t) => {
  await using hive = await startTestHive(undefined, { SKEP_HTTP: "0" });
  await makeOwnerTicket(hive.home, Date.now());
  const ticket = readFileSync(join(hive.home, "owner.ticket"), "utf8").trim();
  const origin = `http://127.0.0.1:${hive.at.http?.port}`;
  const dir = mkdtempSync(join(tmpdir(), "skep-generated-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const { generate } = await import(generator);
  const input: unknown = await (await fetch(`${origin}/v1/openapi.json`)).json();
  await generate({
    input,
    output: join(dir, "client"),
    httpClient: "fetch",
    useOptions: true,
    useUnionTypes: true,
  });
  writeFileSync(join(dir, "program.ts"), program);
  writeFileSync(join(dir, "client", "shims.d.ts"), shims);
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify(settings));
  writeFileSync(join(dir, "package.json"), '{"type":"commonjs"}');
  await run(process.execPath, [tsc, "-p", dir]).catch((failed: { stdout?: string }) => {
    throw new Error(`it does not compile: ${failed.stdout}`);
  });
  const { stdout } = await run(process.execPath, [join(dir, "built", "program.js"), origin, ticket]);
  const told = JSON.parse(stdout);
  assert.equal(told.state, "state=ONLINE\n");
  assert.deepEqual([told.read.status, told.read.lines], ["OK", ["state=ONLINE"]]);
  assert.deepEqual([told.answer.verdict, told.answer.result], ["ok", { worker: "worker-1" }]);
  assert.deepEqual(told.again, told.answer);
  assert.equal(told.echo.status, "OK");
  assert.deepEqual(told.refused, { status: 404, code: "cas.absent" });
});
