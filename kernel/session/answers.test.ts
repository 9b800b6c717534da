import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { AnswerLog } from "./answers.ts";

const most = 200;

test("what is read is what was answered, cut to the newest whole lines that fit", () => {
  const steps = fc.array(
    fc.record({ text: fc.string({ maxLength: 120 }), at: fc.nat(3000), count: fc.nat(400) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const log = new AnswerLog(most);
      let whole = Buffer.alloc(0);
      let base = 0;
      for (const { text, at, count } of all) {
        const answer = { verdict: "ok", message: text } as const;
        log.push(answer);
        whole = Buffer.concat([whole, Buffer.from(`${JSON.stringify(answer)}\n`)]);
        while (whole.length - base > most) base = whole.indexOf(10, base) + 1;
        assert.equal(log.base, base);
        const from = Math.max(at, base);
        assert.deepEqual(Buffer.from(log.read(at, count)), whole.subarray(from, from + count));
      }
    }),
    { numRuns: 200 },
  );
});
