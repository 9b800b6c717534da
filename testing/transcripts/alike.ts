import { Fault, kinds } from "@skep/fault";
import { parseReply, printErr, refusalOf } from "@skep/grammar";
import { type Answer, ConsoleRefusal } from "./door.ts";
import { type Act, ninepKinds, otherCodes } from "./exceptions.ts";

/** An answer in words, for messages and for the transcript itself. */
export function linesOfAnswer(answer: Answer): string[] {
  if (answer.is === "lines") return answer.lines.map((line) => (line === "" ? "<empty>" : line));
  if (answer.is === "ok") return [answer.result === "" ? "ok" : `ok ${answer.result}`];
  const { by, code, took } = answer;
  const told = by instanceof Fault ? `fault ${by.kind} ${code ?? by.code}` : by.message;
  return took === undefined ? [told] : [`took ${took}`, told];
}

const withoutPath = (line: string): string => line.replace(/ path=\S+/, "").trimEnd();

function asConsole(fault: Fault, { verb, path }: Act): string {
  // Printed and parsed again: what does not fit a line is left out.
  return withoutPath(printErr(refusalOf(verb, fault, path)));
}

function sameRefusal(model: Fault, other: Answer & { is: "refused" }, act: Act): boolean {
  const { by, code } = other;
  if (code !== undefined && code !== model.code && code !== otherCodes[model.code]) return false;
  if (by instanceof ConsoleRefusal) return asConsole(model, act) === withoutPath(printErr(by.reply));
  return by.row.errno === kinds[ninepKinds[model.code] ?? model.kind].errno;
}

/** Says how an edge's answer differs from the session's; nothing when they are alike. */
export function difference(model: Answer, other: Answer, act: Act): string | undefined {
  const same = (): boolean => {
    if (model.is === "refused" && other.is === "refused")
      return model.by instanceof Fault && model.took === other.took && sameRefusal(model.by, other, act);
    if (model.is === "ok" && other.is === "ok") return other.result === "" || model.result === other.result;
    return JSON.stringify(model) === JSON.stringify(other);
  };
  if (same()) return undefined;
  const wanted =
    model.is === "refused" && model.by instanceof Fault && other.is === "refused"
      ? ` (on the console: ${JSON.stringify(parseReply(asConsole(model.by, act)))})`
      : "";
  return `${linesOfAnswer(other).join(" / ")}; the session: ${linesOfAnswer(model).join(" / ")}${wanted}`;
}
