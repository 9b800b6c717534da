import assert from "node:assert/strict";
import { test } from "node:test";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";

const rights = { "/comb": ["read", "write"] };

/** What two answers to one line each say, in a fixed order. */
function verdicts(answers: readonly { readonly verdict: string; readonly code?: string }[]): string {
  return answers
    .map(({ verdict, code }) => (verdict === "ok" ? "ok" : `${verdict} ${code}`))
    .sort()
    .join(", ");
}

test("of two commands that spend the last use of one budget in one group exactly one runs, a thousand times", async () => {
  const files = recordingFiles();
  const kernel = await toyHive({ files, clock: simulatedClock() });
  const seen = new Map<string, number>();
  for (let at = 0; at < 1000; at += 1) {
    // One ticket, attached twice and narrowed once: both spend from the block that they share.
    const shared = { id: `root-${at}`, ops: 1 };
    const whole = toyAuthority("ann", rights, { blocks: [shared] });
    const narrowed = toyAuthority("ann", rights, { blocks: [shared, { id: `leaf-${at}`, ops: 5 }] });
    const sessions = [kernel.attach(whole, "test"), kernel.attach(narrowed, "test")];
    const before = kernel.journal.durable;
    const both = sessions.map((session, n) =>
      session.append("/comb/ctl", { op: "hum", text: `${at}.${n}` } as never),
    );
    // Nothing is durable yet: both were decided for one group.
    assert.equal(kernel.journal.durable, before);
    const said = verdicts(await Promise.all(both));
    seen.set(said, (seen.get(said) ?? 0) + 1);
    assert.equal(kernel.slices.kernel.budgets.get(shared.id)?.ops, 1);
    for (const session of sessions) session.close("done");
  }
  assert.deepEqual([...seen], [["ok, refused gate.budget", 1000]]);
  await kernel.close();
});

test("of two commands with one key in one group exactly one runs, and the same command twice runs once, a thousand times", async () => {
  const kernel = await toyHive({ files: recordingFiles(), clock: simulatedClock() });
  const session = kernel.attach(toyAuthority("ann", rights), "test");
  const hum = (text: string, key: string) =>
    session.append("/comb/ctl", { op: "hum", text } as never, { key });
  for (let at = 0; at < 1000; at += 1) {
    const [one, other, again] = await Promise.all([
      hum("a", `k${at}`),
      hum("b", `k${at}`),
      hum("a", `k${at}`),
    ]);
    assert.equal(verdicts([one, other]), "ok, refused gate.conflict");
    assert.deepEqual(again, one);
  }
  await kernel.close();
});
