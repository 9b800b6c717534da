import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import { undoCases } from "./undo-cases.ts";

for (const [name, { path, before, command, shows }] of Object.entries(undoCases))
  test(`${name} is undone by the command that its record tells`, async (t) => {
    const place = await startTestHive();
    t.after(() => place[Symbol.asyncDispose]());
    const { kernel, owner } = place.hive;
    await before?.({ kernel, owner });
    const was = await shows(owner);
    const done = await owner.append(
      path,
      typeof command === "function" ? await command({ kernel, owner }) : command,
    );
    assert.equal(done.verdict, "ok", JSON.stringify(done));
    assert.notEqual(await shows(owner), was);
    const undo = JSON.parse(Buffer.from(await owner.read(`/actions/${done.id}/undo`)).toString());
    const undone = await owner.append(undo.path, undo.command);
    assert.equal(undone.verdict, "ok", JSON.stringify(undone));
    assert.equal(await shows(owner), was);
  });

test("what is no reversible act tells what to do instead, and a refusal has nothing to undo", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { owner } = place.hive;
  await owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 1 });
  const { id } = await owner.append("/queen/ctl", { kill: "worker-1" });
  await assert.rejects(() => owner.read(`/actions/${id}/undo`), {
    kind: "refused",
    code: "undo.unknown",
    cure: "Spawn another: the number of a killed worker is never used again",
  });
});
