import assert from "node:assert/strict";
import { test } from "node:test";
import { otlpMetrics, otlpTraces } from "./mod.ts";

const resource = { name: "skep", version: "1", instance: "h" };

test("counters, gauges and histograms are what OTLP calls them, with units and 64-bit numbers as text", () => {
  const body = otlpMetrics(
    [
      { name: "a_total", help: "A", kind: "counter", samples: [{ labels: { x: "y" }, value: 3 }] },
      { name: "b_bytes", help: "B", kind: "gauge", samples: [{ value: 1.5 }, { value: Number.NaN }] },
      { name: "n", help: "N", kind: "gauge", samples: [{ value: Number.NaN }] },
      {
        name: "c_seconds",
        help: "C",
        kind: "histogram",
        histogram: { bounds: [0.1, 1], counts: [2, 0, 1], sum: 5.5 },
      },
    ],
    resource,
    { since: 1_700_000_000_000, now: 1_700_000_000_123 },
  ) as { resourceMetrics: [{ scopeMetrics: [{ metrics: unknown[] }] }] };
  const time = { startTimeUnixNano: "1700000000000000000", timeUnixNano: "1700000000123000000" };
  assert.deepEqual(body.resourceMetrics[0].scopeMetrics[0].metrics, [
    {
      name: "a_total",
      description: "A",
      unit: "1",
      sum: {
        dataPoints: [{ ...time, attributes: [{ key: "x", value: { stringValue: "y" } }], asDouble: 3 }],
        aggregationTemporality: 2,
        isMonotonic: true,
      },
    },
    {
      name: "b_bytes",
      description: "B",
      unit: "By",
      gauge: { dataPoints: [{ ...time, attributes: [], asDouble: 1.5 }] },
    },
    {
      name: "c_seconds",
      description: "C",
      unit: "s",
      histogram: {
        dataPoints: [
          {
            ...time,
            attributes: [],
            count: "3",
            sum: 5.5,
            bucketCounts: ["2", "0", "1"],
            explicitBounds: [0.1, 1],
          },
        ],
        aggregationTemporality: 2,
      },
    },
  ]);
});

test("a span has its ids, its times in nanoseconds, and an error where it was refused", () => {
  const span = {
    traceId: "a".repeat(32),
    spanId: "b".repeat(16),
    parentSpanId: "c".repeat(16),
    name: "queen command",
    began: 1,
    ended: 2,
    attributes: { "skep.record": 7 },
    refused: "queen.full",
  };
  assert.deepEqual(otlpTraces([span], resource), {
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { stringValue: "skep" } },
            { key: "service.version", value: { stringValue: "1" } },
            { key: "service.instance.id", value: { stringValue: "h" } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: "skep" },
            spans: [
              {
                traceId: span.traceId,
                spanId: span.spanId,
                parentSpanId: span.parentSpanId,
                name: "queen command",
                kind: 1,
                startTimeUnixNano: "1000000",
                endTimeUnixNano: "2000000",
                attributes: [{ key: "skep.record", value: { intValue: "7" } }],
                status: { code: 2, message: "queen.full" },
              },
            ],
          },
        ],
      },
    ],
  });
});
