import { parseReply } from "@skep/grammar";
import type { ConsoleClient } from "../console/client.ts";
import { ConsoleRefusal, type Door } from "./door.ts";

async function data(client: ConsoleClient, line: string): Promise<string[]> {
  const [first = "", ...rest] = await client.ask(line);
  const ack = parseReply(first);
  if (ack.status === "ERR") throw new ConsoleRefusal(ack);
  if (ack.status !== "OK" || rest.pop() !== "END") throw new Error(`no answer to ${line}: ${first}`);
  return rest.map((each) => {
    const reply = parseReply(each);
    if (reply.status !== "DATA") throw new Error(`an acknowledgement among the data of ${line}: ${each}`);
    return reply.text;
  });
}

/** A console client that is attached. A write of several lines is several ECHOs, up to the first that is refused. */
export function consoleDoor(client: ConsoleClient): Door {
  return {
    edge: "console",
    ls: (path) => data(client, `LS ${path}`),
    read: async (path) => {
      const lines = await data(client, `CAT ${path}`);
      return Buffer.from(lines.map((line) => `${line}\n`).join(""));
    },
    write: async (path, bytes) => {
      let taken = 0;
      for (const line of bytes.toString("utf8").split(/(?<=\n)/)) {
        const [reply = ""] = await client.ask(`ECHO ${path} ${line.replace(/\n$/, "")}`);
        const ack = parseReply(reply);
        if (ack.status === "ERR" && taken > 0) return { taken };
        if (ack.status === "ERR") throw new ConsoleRefusal(ack);
        if (ack.status !== "OK") throw new Error(`no answer to ECHO ${path}: ${reply}`);
        taken += Buffer.byteLength(line);
      }
      return { taken };
    },
    close: () => client.close(),
  };
}
