import assert from "node:assert/strict";
import { test } from "node:test";
import { busAdapters, loraAdapters } from "./adapters.ts";

test("an adapter is a name and what is said of it, and is shown as it can be read again", () => {
  const { schema, show } = busAdapters();
  const [bus] = schema.parse(["modbus-main serial=19200 spool=8/512 link=offline replay=manual"]);
  assert.deepEqual(bus, {
    id: "modbus-main",
    label: "modbus-main",
    scope: "modbus-main",
    protocol: "modbus",
    serial: 19_200,
    spool: { entries: 8, bytes: 512 },
    link: "offline",
    replay: "manual",
  });
  const two = schema.parse("a protocol=can; b label=a scope=yard");
  assert.deepEqual(schema.parse(show(two)), two);
  const lora = loraAdapters();
  const [radio] = lora.schema.parse([
    "lora-main region=us915 window=1000ms payload=64 tamper=8 airtime=bytes",
  ]);
  assert.deepEqual([radio?.duty, radio?.window, radio?.airtime], [1, 1000, "bytes"]);
  const radios = lora.schema.parse(["one airtime=sf10/125/4-5 duty=0.1 window=36s"]);
  assert.deepEqual(lora.schema.parse(lora.show(radios)), radios);
  assert.equal(show([]), "none");
});

test("what cannot be an adapter is told with its entry and its field", () => {
  const wrong = (entry: string | string[]): string =>
    busAdapters()
      .schema.safeParse(entry)
      .error?.issues.map(({ message }) => message)
      .join("; ") ?? "";
  assert.match(wrong(["a protocol=canbus"]), /^a protocol=canbus: protocol /);
  assert.match(wrong(["a spool=8"]), /spool expected LINES\/BYTES/);
  assert.match(wrong(["a colour=red"]), /colour/);
  assert.match(wrong(["../a"]), /expected a name/);
  assert.match(wrong(["a", "a"]), /Cannot mount two adapters of one id: "?a/);
});
