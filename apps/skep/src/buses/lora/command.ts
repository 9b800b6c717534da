import { type Command, command } from "@skep/edge-cli";
import { setupFlags, setupOf } from "../../attached/setup.ts";
import { mint } from "./faults.ts";

/** `skep lora`. */
export const lora: Command = command({
  name: "lora",
  group: "hive",
  summary: "Hear and send for a radio of a hive, through LoRa gateways",
  doc: "The server that LoRa gateways with Semtech's packet forwarder speak to (UDP, version 2). Frames that they hear become telemetry of /lora/NAME; frames that the hive granted are sent by one of them, once, at their time, and what it answers is told. Only gateways that the rules on this machine name are heard, and nothing is sent without a downlink there; only root and the agent's own user may be able to write those. docs/buses.md has the rest; its ticket is made with `skep ticket mint --role worker-lora --subject lora/NAME`.",
  examples: [
    { run: "skep lora --rules mast.toml --ticket mast.ticket", doc: "For the hive of this machine" },
    {
      run: "skep lora --rules mast.toml --ticket mast.ticket --hive 127.0.0.1:5640",
      doc: "For another one, through a tunnel",
    },
  ],
  flags: {
    rules: { kind: "file", required: true, doc: "Which gateways are heard, and how frames are sent" },
    ticket: { kind: "file", required: true, doc: "File of the agent's ticket" },
    radio: { kind: "string", doc: "Its name in the hive; default: the last step of the ticket's subject" },
    ...setupFlags,
    "no-keep": { kind: "boolean", doc: "Show frames in /lora alone, and keep none in /queen/telemetry" },
    folder: { kind: "directory", doc: "The agent's own folder; default: skep-lora in the state directory" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, signal } = context;
    const { radio, rules } = flags;
    const setup = await setupOf(context, flags, { program: "skep-lora", mint });
    const { runGateway } = await import("./program.ts");
    return runGateway({ ...setup, radio, rules, keep: !flags["no-keep"] }, signal);
  },
});
