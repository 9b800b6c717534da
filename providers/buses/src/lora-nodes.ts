import type { Build, Node, Ring, Scene } from "@skep/kernel";
import { checkTaking, type Uses } from "./access.ts";
import type { LoraAdapter, Mounted } from "./adapters.ts";
import { ringBytes } from "./bus-nodes.ts";
import { decideLora } from "./lora.ts";
import { frameJson, framesOf, lineOf, loraInfo, outcomeRow, tamperLine } from "./render.ts";
import { linesOf, Newest, newline } from "./newest.ts";
import { LoraCommand, parseLora } from "./schema.ts";
import type { Buses } from "./state.ts";

type At = Scene<Buses, Uses>;

const told = (compensation: string) => ({ class: "compensable" as const, compensation });

/** Files of a radio. */
export function loraNodes(t: Build<Buses, Uses>, radios: Mounted<LoraAdapter>): Node {
  const nameOf = ({ params }: Pick<At, "params">): string => params.radio ?? "";
  const radioOf = (scene: Pick<At, "params">): LoraAdapter => {
    const found = radios.get(nameOf(scene));
    if (!found) throw new Error(`no radio ${nameOf(scene)}`);
    return found;
  };
  const newest = new Newest();
  const ring = (scene: At, file: string): Ring => scene.ring(`/lora/${nameOf(scene)}/${file}`, ringBytes);
  const info = (scene: At) => loraInfo(radioOf(scene), scene.state.bridges.get(`lora/${nameOf(scene)}`));
  return t.dir("One radio", {
    info: t.text("What it is, and who serves it", { render: (scene) => lineOf(info(scene)), json: info }),
    ctl: t.control("Send a payload, at once or when the duty cycle lets it", {
      input: LoraCommand,
      parse: parseLora,
      undo: "compensable",
      act: ({ op }) => op,
      acts: {
        send: told("Nothing: what was sent was sent"),
        hello: told("Nothing: it tells what is"),
        sent: told("Nothing: it tells what is"),
        begin: told("Nothing: it tells what is"),
        told: told("Nothing: it tells what is"),
      },
      work: ({ op }) => op === "send",
      outcome: true,
      examples: ["valve=open", '{"op":"send","b64":"AQID","within_s":60}'],
      decide: (line, at) => decideLora(line, at, radioOf(at)),
    }),
    telemetry: t.stream("Payloads that were granted, and what its gateway received", {
      source: (scene) => ring(scene, "telemetry"),
      append: (bytes, scene) => {
        checkTaking(scene.views);
        const name = nameOf(scene);
        const fresh = linesOf(bytes).filter((line) => newest.isNew(name, line));
        if (fresh.length > 0)
          ring(scene, "telemetry").append(Buffer.concat(fresh.flatMap((line) => [line, newline])));
        return bytes.length;
      },
    }),
    tamper: t.text("Transmissions that were refused, the newest last", {
      render: ({ state, params }) =>
        (state.tampers.get(params.radio ?? "")?.entries ?? []).map(tamperLine).join(""),
      json: ({ state, params }) => state.tampers.get(params.radio ?? "")?.entries ?? [],
    }),
    schedule: t.text("Transmissions that were granted and are not told of yet, by their time", {
      render: (scene) =>
        framesOf(scene.state, nameOf(scene))
          .map(([n, { at, ms, payload, state }]) =>
            lineOf({
              ...{ n, at_ms: at, airtime_ms: ms, bytes: Buffer.from(payload, "base64").length },
              ...(state === "begun" ? { state } : {}),
            }),
          )
          .join(""),
      json: (scene) => framesOf(scene.state, nameOf(scene)).map(([n, frame]) => frameJson(n, frame)),
    }),
    outcomes: t.text("What became of the last transmissions, the newest last", {
      render: ({ state, params }) =>
        (state.outcomes.get(params.radio ?? "") ?? []).map((one) => lineOf(outcomeRow(one))).join(""),
      json: ({ state, params }) => (state.outcomes.get(params.radio ?? "") ?? []).map(outcomeRow),
    }),
    inbox: t.stream("A line for its gateway whenever something is granted", {
      source: (scene) => ring(scene, "inbox"),
    }),
  });
}
