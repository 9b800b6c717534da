/** Characters of a value that are told. */
const most = 24;
const mostText = 200;
const mostWords = 5;
/** Names of commands that have no `op`; records keep names in the order of the alphabet. */
const verbs = /^(new|seal|spawn|kill|bind|mount|action)$/;
/** Digests and numbers of a life tell people nothing. */
const noise = /^[0-9a-f]{16,}$/;

const cut = (text: string, room: number): string => (text.length <= room ? text : `${text.slice(0, room)}…`);

function wordsOf([name, value]: readonly [string, unknown]): string {
  if (value === true) return name;
  if (typeof value === "string" && noise.test(value)) return "";
  if (typeof value === "string") return `${name} ${cut(value, most)}`;
  return typeof value === "number" ? `${name} ${value}` : "";
}

/** What a command asks for, as one would say it: `kill worker-2`, `cancel job 17`, `new segment`. */
export function toldOf(command: unknown): string {
  if (typeof command === "string") return cut(command, mostText);
  if (typeof command !== "object" || command === null) return command === undefined ? "" : String(command);
  const { op, ...rest } = command as Readonly<Record<string, unknown>>;
  const parts = Object.entries(rest)
    .filter(([name]) => !name.startsWith("$"))
    .sort(([a], [b]) => Number(verbs.test(b)) - Number(verbs.test(a)));
  const words = [typeof op === "string" ? op : "", ...parts.map(wordsOf)].filter((word) => word !== "");
  // What is only an object in an object is told by its name.
  const said = words.length > 0 ? words.slice(0, mostWords) : parts.slice(0, 1).map(([name]) => name);
  return said.join(" ");
}

/** What a line asks for; a line that is no JSON is told as it is. */
export function toldOfLine(line: string): string {
  try {
    return toldOf(JSON.parse(line));
  } catch {
    return cut(line, mostText);
  }
}
