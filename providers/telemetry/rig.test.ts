import type { TestContext } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { type Quotas, telemetryProvider } from "./mod.ts";

const quotas: Quotas = {
  devices: 2,
  segments: 4,
  segmentBytes: 400,
  recordBytes: 128,
  whenFull: "evict-oldest",
};

export async function rig(context: TestContext, changes: Partial<Quotas> = {}, files = recordingFiles()) {
  const clock = simulatedClock();
  const telemetry = telemetryProvider({ files, clock, quotas: { ...quotas, ...changes }, denies: () => 0 });
  const kernel = await toyHive({ files, clock, providers: [telemetry] });
  context.after(() => kernel.close());
  const queen = kernel.attach(fullAuthority("owner"), "test");
  const read = async (path: string) => Buffer.from(await queen.read(`/queen/telemetry/${path}`)).toString();
  const json = async (path: string) => JSON.parse(await read(path));
  const append = (path: string, line: string) => queen.append(`/queen/telemetry/${path}`, line);
  const open = (device = "d", mime = "text/plain") =>
    append(`${device}/ctl`, JSON.stringify({ new: "segment", mime }));
  const sealed = async (device: string, seg: string) => {
    for (;;) {
      const { segments } = await json(`${device}/latest.json`);
      const found = segments.find(({ id }: { id: string }) => id === seg);
      if (found?.state !== "sealing") return found;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  return { kernel, clock, queen, read, json, append, open, sealed, files };
}

export const envelope = (seq: number, payload: string, source?: string): string =>
  `${JSON.stringify({ schema: "cohsh-telemetry-push/v1", seq, mime: "text/plain", payload, ...(source && { source }) })}\n`;
