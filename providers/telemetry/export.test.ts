import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles } from "@skep/testing";
import { readItem } from "./mod.ts";
import { rig } from "./rig.test.ts";

const ctl = "/queen/export/ctl";
const at = (id: string, file: string) => `/queen/export/lora_jobs/${id}/${file}`;

async function withSealed(context: Parameters<typeof rig>[0], files = recordingFiles()) {
  const made = await rig(context, {}, files);
  const { open, append, sealed, queen, kernel } = made;
  await open();
  await append("d/seg/seg-000001", "one\ntwo\n");
  await append("d/ctl", '{"seal":"segment"}');
  await sealed("d", "seg-000001");
  const ask = (line: object) => queen.append(ctl, JSON.stringify(line));
  const ready = async (id: string) => {
    for (;;) {
      const status = Buffer.from(await queen.read(at(id, "status"))).toString();
      if (!status.includes("state=pending")) return status;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  const text = async (path: string) => Buffer.from(await queen.read(path)).toString();
  return { ...made, ask, ready, text, kernel };
}

test("an export is one CBOR map of sealed records, with its model and its policy beside it", async (context) => {
  const { ask, ready, queen, text } = await withSealed(context);
  const asked = { op: "export", id: "job_1", device: "d", base_model: "vision-base-v1" };
  const answer = await ask({ ...asked, policy: { max_epochs: 3, label: 'a "b"' } });
  assert.deepEqual(answer.result, { id: "job_1", segments: ["seg-000001"] });
  const status = await ready("job_1");
  const bytes = Buffer.from(await queen.read(at("job_1", "telemetry.cbor")));
  assert.match(status, /^state=ready$/m);
  assert.match(status, /^records=2$/m);
  assert.ok(status.includes(`digest=${createHash("sha256").update(bytes).digest("hex")}\n`));
  assert.equal(readItem(bytes, 0)?.end, bytes.length);
  assert.deepEqual(
    [...(readItem(bytes, 0)?.members ?? [])],
    [
      ["schema", "telemetry-export/v1"],
      ["device", "d"],
    ],
  );
  assert.ok(bytes.toString("latin1").endsWith("records\x82conectwo"));
  assert.equal(await text(at("job_1", "base_model.ref")), "vision-base-v1\n");
  assert.equal(await text(at("job_1", "policy.toml")), 'label = "a \\"b\\""\nmax_epochs = 3\n');
});

test("what is not sealed, not known, named twice or not strict is not exported", async (context) => {
  const { ask, ready, open, kernel } = await withSealed(context);
  await ask({ op: "export", id: "a", device: "d" });
  await ready("a");
  await open();
  for (const [line, code] of [
    [{ op: "export", id: "a", device: "d" }, "export.taken"],
    [{ op: "export", id: "b", device: "d", segments: ["seg-000002"] }, "export.segment"],
    [{ op: "export", id: "b", device: "nobody" }, "export.device"],
    [{ op: "export", id: "b", device: "d", more: 1 }, "gate.schema"],
    [{ op: "export", id: "../b", device: "d" }, "gate.schema"],
    [{ op: "remove", id: "b" }, "export.absent"],
  ] as const)
    assert.equal((await ask(line)).code, code, JSON.stringify(line));
  const other = kernel.attach(fullAuthority("bob", "observer"), "test");
  assert.equal((await other.append(ctl, '{"op":"remove","id":"a"}')).code, "export.role");
});

test("an export outlives a restart and the eviction of its segments, and goes when it is removed", async (context) => {
  const { ask, ready, kernel, files, text } = await withSealed(context);
  await ask({ op: "export", id: "a", device: "d" });
  await ready("a");
  const before = await text(at("a", "telemetry.cbor"));
  await kernel.close();
  const next = await rig(context, {}, recordingFiles(files.image()));
  for (let count = 0; count < 5; count += 1) await next.open();
  const read = async () => Buffer.from(await next.queen.read(at("a", "telemetry.cbor"))).toString();
  assert.equal(await read(), before);
  assert.equal((await next.queen.append(ctl, '{"op":"remove","id":"a"}')).verdict, "ok");
  await assert.rejects(read, { kind: "absent" });
});
