import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseRules as busRules } from "../buses/rules.ts";
import { parseRules as radioRules } from "../buses/lora/rules.ts";
import { parseRules as hostRules } from "../host/allow.ts";

/** The blocks of TOML of a page. */
function blocks(page: string): string[] {
  const text = readFileSync(new URL(`../../../../docs/${page}.md`, import.meta.url), "utf8");
  return [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
}

const find = (page: string, words: string): string => blocks(page).find((each) => each.includes(words)) ?? "";

test("the rules that the pages show are read as they stand", () => {
  assert.equal(busRules(find("buses", "[device]"), "plant.toml").point.length > 0, true);
  const dnp3 = '[device]\nprotocol = "dnp3"\ntcp = "192.0.2.7:20000"\nmaster = 1\noutstation = 1024\n';
  assert.deepEqual(namesOf(dnp3, "breaker"), ["breaker"]);
  const shown = '[[point]]\nname = "lamp-state"\nid = 0x124\nstart = 8\nlength = 8\n';
  assert.deepEqual(namesOf(`[device]\nprotocol = "can"\ninterface = "vcan0"\n${shown}`, "lamp"), [
    "lamp-state",
    "lamp",
  ]);
  const { downlink, gateway } = radioRules(find("buses", "[radio]"), "mast.toml");
  assert.deepEqual([gateway.length, downlink?.late], [1, 5000]);
  const { allow } = hostRules(find("hosts", "[[allow]]"), "host.toml");
  assert.ok(allow.length > 1);
  assert.equal(hostRules(find("updates", "[update.app]"), "host.toml").update.app?.health_timeout, 60_000);
});

function namesOf(device: string, point: string): string[] {
  const text = `${device}${find("buses", `name = "${point}"`)}`;
  return busRules(text, "x.toml").point.map(({ name }) => name);
}
