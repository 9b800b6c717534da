// Runs in the checker's process, loaded from memory by boot.ts: it parses foreign code and can run none.
import { toFault } from "@skep/fault";
import { admit } from "@skep/wasm";
import { frame } from "./frames.ts";
import { empty, receive, send, sendJson } from "./talk.ts";

function check(bytes: Uint8Array): void {
  try {
    const { module, report } = admit(bytes);
    const json = Buffer.from(JSON.stringify(report));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    send(frame.admitted, Buffer.concat([length, json, module]));
  } catch (thrown) {
    const { kind, code, message } = toFault(thrown);
    sendJson(frame.refused, { kind, code, message });
  }
}

send(frame.ready, empty);
for (;;) {
  const { kind, payload } = receive();
  if (kind === frame.admit) check(payload);
  else process.exit(71);
}
