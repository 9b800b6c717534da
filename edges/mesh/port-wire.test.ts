import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { Events } from "./events.ts";
import { defaultGateway } from "./gateway.ts";
import { pcpMap, pmpMap, readPcp, readPmp, readPmpAddress } from "./port-wire.ts";
import { Ports } from "./ports.ts";

const wish = { protocol: "tcp", port: 7781 } as const;
const nonce = Buffer.alloc(12, 7);
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

test("a wish is asked for in the bytes of RFC 6887 and RFC 6886", () => {
  assert.equal(
    pcpMap(wish, "192.168.1.2", nonce, 7200).toString("hex"),
    `0201000000001c20${"00".repeat(10)}ffffc0a80102${"07".repeat(12)}060000001e650000${"00".repeat(10)}ffff00000000`,
  );
  assert.equal(pmpMap(wish, 7200).toString("hex"), "000200001e65000000001c20");
});

const granted = (by: string, port = "1e65"): Buffer =>
  bytes(
    `02810000 00000e10 00000001 ${"00".repeat(12)} ${by} 06000000 ${port} 4e20 ${"00".repeat(10)}ffff05020001`,
  );

test("an answer counts only where it is to this wish and with this nonce", () => {
  assert.deepEqual(readPcp(granted("07".repeat(12)), wish, nonce), {
    port: 20_000,
    lifetime: 3600,
    host: "5.2.0.1",
  });
  assert.equal(readPcp(granted("08".repeat(12)), wish, nonce), undefined);
  assert.equal(readPcp(granted("07".repeat(12), "1e66"), wish, nonce), undefined);
  assert.deepEqual(readPcp(bytes("0001000100000000"), wish, nonce), {
    refused: "it speaks NAT-PMP",
    version: true,
  });
  assert.deepEqual(readPcp(bytes(`0281000200000000${"00".repeat(16)}`), wish, nonce), {
    refused: "not authorized",
    version: false,
  });
  assert.deepEqual(readPmp(bytes("00820000 00000001 1e65 4e20 00000e10"), wish), {
    port: 20_000,
    lifetime: 3600,
  });
  assert.equal(readPmp(bytes("00810000 00000001 1e65 4e20 00000e10"), wish), undefined);
  assert.deepEqual(readPmp(bytes("00820004 00000001"), wish), {
    refused: "out of resources",
    version: false,
  });
  assert.equal(readPmpAddress(bytes("00800000 00000001 05020001")), "5.2.0.1");
  assert.equal(readPmpAddress(bytes("00800003 00000001 05020001")), undefined);
});

test("the router is the one of the default route", () => {
  const routes =
    "Iface\tDestination\tGateway\tFlags\neth0\t0000A8C0\t00000000\t0001\neth0\t00000000\t0101A8C0\t0003\n";
  assert.equal(
    defaultGateway(() => routes),
    "192.168.1.1",
  );
  assert.equal(
    defaultGateway(() => "Iface\n"),
    undefined,
  );
});

test("a mapping is renewed at half its life, and given back at the end", async () => {
  const router = createSocket("udp4");
  router.bind(0, "127.0.0.1");
  await once(router, "listening");
  const lifetimes: number[] = [];
  const heard = Promise.withResolvers<void>();
  router.on("message", (asked, { port, address }) => {
    lifetimes.push(asked.readUInt32BE(4));
    const answer = granted(asked.subarray(24, 36).toString("hex"));
    if (lifetimes.length === 3) heard.resolve();
    router.send(answer, port, address);
  });
  const clock = simulatedClock(1);
  let changes = 0;
  let told = Promise.withResolvers<void>();
  const ports = new Ports({
    clock,
    events: new Events(clock),
    bound: () => ["/ip4/192.168.1.2/tcp/7781", "/ip4/127.0.0.1/tcp/7781"],
    changed: () => {
      changes += 1;
      told.resolve();
    },
    gateway: () => "127.0.0.1",
    at: router.address().port,
  });
  ports.start();
  await told.promise;
  told = Promise.withResolvers();
  assert.deepEqual(ports.addresses, ["/ip4/5.2.0.1/tcp/20000"]);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  clock.advance(1_799_000);
  await turn();
  assert.equal(lifetimes.length, 1);
  clock.advance(1000);
  while (lifetimes.length < 2) await turn();
  assert.equal(changes, 1);
  await ports.stop();
  await heard.promise;
  assert.deepEqual(lifetimes, [7200, 7200, 0]);
  router.close();
});
