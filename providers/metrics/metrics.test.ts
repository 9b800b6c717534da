import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive, toyProvider } from "@skep/testing";
import { metricsProvider, printFamilies } from "./mod.ts";

test("figures are printed as Prometheus reads them, whatever stands in a label", () => {
  const text = printFamilies([
    { name: "a_total", help: "Of\nlines", kind: "counter", samples: [{ labels: { x: 'q"\\\n' }, value: 3 }] },
    {
      name: "b_seconds",
      help: "Time",
      kind: "histogram",
      histogram: { bounds: [0.1, 1], counts: [2, 0, 1], sum: 5.5 },
    },
  ]);
  assert.equal(
    text,
    '# HELP a_total Of\\nlines\n# TYPE a_total counter\na_total{x="q\\"\\\\\\n"} 3\n' +
      "# HELP b_seconds Time\n# TYPE b_seconds histogram\n" +
      'b_seconds_bucket{le="0.1"} 2\nb_seconds_bucket{le="1"} 2\nb_seconds_bucket{le="+Inf"} 3\n' +
      "b_seconds_sum 5.5\nb_seconds_count 3\n",
  );
});

test("every event and every journalled refusal counts, by its name", async (t) => {
  const clock = simulatedClock();
  const metrics = metricsProvider({
    collect: () => [{ name: "skep_up", help: "Up", kind: "gauge", samples: [{ value: 1 }] }],
  });
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [toyProvider(), metrics] });
  t.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  await owner.append("/comb/ctl", { op: "hatch", bee: "a" });
  await owner.append("/comb/ctl", { op: "hatch", bee: "b" });
  for (let at = 0; at < 3; at += 1) await owner.append("/comb/ctl", { op: "hatch", bee: "b" });
  await clock.advanceAsync(1000);
  await kernel.settled();
  const text = Buffer.from(await owner.read("/proc/metrics")).toString();
  assert.match(text, /^skep_up 1$/m);
  assert.match(text, /^skep_events_total\{event="toy:hatched@1"\} 2$/m);
  assert.match(text, /^skep_refusals_total\{code="toy\.there"\} 3$/m);
  const json = JSON.parse(Buffer.from(await owner.read("/proc/metrics.json")).toString());
  assert.deepEqual(json[0].samples, [{ value: 1 }]);
});
