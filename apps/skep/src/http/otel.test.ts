import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { fullAuthority, type JournalRecord } from "@skep/kernel";
import { simulatedClock, startCollector } from "@skep/testing";
import { makeTestPlace, startTestHive } from "../testing/hive.ts";
import { OtelExporter, spanOf } from "./otel.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";
const context = `00-${traceId}-${parent}-01`;

test("figures, and a span for each record with a trace context, go to the configured collector in OTLP's form", async () => {
  await using collector = await startCollector();
  await using hive = await startTestHive(makeTestPlace(), { SKEP_OTEL_ENDPOINTS: collector.endpoint });
  const owner = hive.hive.kernel.attach(fullAuthority("very-secret-subject"), "test");
  const done = await owner.append("/queen/ctl", '{"spawn":"heartbeat","ticks":1}', { trace: context });
  await owner.append("/queen/ctl", '{"spawn":"heartbeat","ticks":1}', { trace: context.replace(/1$/, "0") });
  await owner.append("/queen/ctl", '{"spawn":"heartbeat","ticks":1}');
  await hive.hive.kernel.settled();
  // The end of the edges sends what is left.
  await hive.stop();
  assert.deepEqual(collector.complaints, []);
  const [span, ...others] = collector.spans;
  assert.deepEqual(others, []);
  assert.deepEqual(
    [span?.traceId, span?.parentSpanId, span?.name, span?.status],
    [traceId, parent, "queen command", {}],
  );
  const attributes = Object.fromEntries(span?.attributes.map(({ key, value }) => [key, value]) ?? []);
  assert.deepEqual(attributes, {
    "skep.path": { stringValue: "/queen/ctl" },
    "skep.record": { intValue: String(done.id) },
  });
  const names = collector.metrics.map(({ name }) => name);
  for (const wanted of ["skep_events_total", "skep_state_rows", "skep_otel_dropped_spans_total"])
    assert.ok(names.includes(wanted), wanted);
  assert.doesNotMatch(collector.bodies.join(), /very-secret-subject|heartbeat/);
});

const record = (more: Partial<JournalRecord>) =>
  ({
    seq: 7,
    time: 1000,
    path: "/jobs/ctl",
    verdict: { ok: true },
    trace: context,
    ...more,
  }) as JournalRecord;

test("a span is named by its record, and only a sampled context that is one has a span", () => {
  const refused = record({ verdict: { ok: false, code: "jobs.unknown" } as never });
  assert.deepEqual(
    [spanOf(refused, "h", 1005)?.refused, spanOf(refused, "h", 1005)?.ended],
    ["jobs.unknown", 1005],
  );
  assert.equal(spanOf(record({}), "h", 0)?.spanId, spanOf(record({}), "h", 9)?.spanId);
  assert.notEqual(spanOf(record({}), "h", 0)?.spanId, spanOf(record({ seq: 8 }), "h", 0)?.spanId);
  for (const trace of ["junk", context.replace(/1$/, "0"), `00-${"0".repeat(32)}-${parent}-01`])
    assert.equal(spanOf(record({ trace }), "h", 0), undefined, trace);
});

function exporter(endpoint: string) {
  const clock = simulatedClock();
  const lines: string[] = [];
  const made = new OtelExporter({
    endpoints: [endpoint],
    every: 1000,
    resource: { name: "skep", version: "1", instance: "h" },
    clock,
    since: 0,
    families: async () => [],
    report: (line) => lines.push(line),
  });
  const add = (count: number) => {
    for (let seq = 0; seq < count; seq += 1) {
      const span = spanOf(record({ seq }), "h", 2000);
      if (span) made.add(span);
    }
  };
  return { made, lines, add };
}

test("while the collector is away spans wait, too many are dropped and counted, and one line tells of it", async () => {
  await using collector = await startCollector();
  const { made, lines, add } = exporter(collector.endpoint);
  collector.status = 503;
  add(3000);
  await made.flush();
  await made.flush();
  assert.deepEqual([collector.spans.length, made.dropped], [0, 952]);
  assert.equal(lines.length, 2);
  collector.status = undefined;
  await made.close();
  assert.equal(collector.spans.length, 2048);
  assert.deepEqual(collector.complaints, []);
  const [dropped] = collector.metrics.filter(({ name }) => name === "skep_otel_dropped_spans_total");
  assert.ok(dropped && "sum" in dropped && dropped.sum.dataPoints[0]?.asDouble === 952);
});

test("what a collector refuses for good is not sent again, and a redirect leads nowhere", async (t) => {
  await using collector = await startCollector();
  const { made, add } = exporter(collector.endpoint);
  collector.status = 400;
  add(1);
  await made.flush();
  collector.status = undefined;
  await made.close();
  assert.equal(collector.spans.length, 0);
  const away = createServer((_request, response) =>
    response.writeHead(307, { Location: `${collector.endpoint}/v1/traces` }).end(),
  );
  await new Promise<void>((done) => away.listen(0, "127.0.0.1", done));
  t.after(() => away.close());
  const at = away.address();
  const other = exporter(`http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}`);
  const before = collector.bodies.length;
  other.add(1);
  await other.made.close();
  assert.equal(collector.bodies.length, before);
});

test("a collector's address holds no password, and nothing is exported without one", async () => {
  for (const bad of ["http://user:word@host/", "ftp://host", "http://host/?key=1", "host:4318"])
    await assert.rejects(startTestHive(makeTestPlace(), { SKEP_OTEL_ENDPOINTS: bad }), /otel.endpoints/, bad);
});
