import { Fault } from "@skep/fault";

const whitespace = /[ \t\n\r]*/y;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const plainRun = /[^"\\\u0000-\u001f]*/y;
const escapeForm = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const literals = ["true", "false", "null"];

interface Level {
  /** Names seen so far; undefined for an array. */
  readonly names: Set<string> | undefined;
}

/** A recogniser that runs only over texts already refused: its one product is the reason and its position. */
class Recogniser {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #levels: Level[] = [];
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  #refuse(code: string, what: string, at = this.#at): never {
    const bytes = Buffer.byteLength(this.#text.slice(0, at));
    throw new Fault("invalid", `json.${code}`, `Cannot parse JSON: ${what} at byte ${bytes}`);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #peek(): string {
    this.#match(whitespace);
    return this.#text.charAt(this.#at);
  }

  #string(): string {
    const from = this.#at++;
    for (;;) {
      this.#match(plainRun);
      const next = this.#text.charAt(this.#at);
      if (next === '"') break;
      if (next === "") this.#refuse("syntax", "the text ends inside a string");
      if (next !== "\\") this.#refuse("syntax", "a control character stands in a string");
      if (this.#match(escapeForm) === "") this.#refuse("syntax", "an escape is not valid");
    }
    this.#at++;
    const value = JSON.parse(this.#text.slice(from, this.#at)) as string;
    if (!value.isWellFormed()) this.#refuse("surrogate", "a lone surrogate stands", from);
    return value;
  }

  #scalar(next: string): void {
    if (next === '"') {
      this.#string();
      return;
    }
    const from = this.#at;
    const number = this.#match(numberForm);
    if (number !== "") {
      if (!Number.isFinite(Number(number))) this.#refuse("number", "a number is too large", from);
      return;
    }
    const literal = literals.find((word) => this.#text.startsWith(word, this.#at));
    if (literal) this.#at += literal.length;
    else this.#refuse("syntax", next === "" ? "the text ends too early" : "no value starts");
  }

  /** Reads `"name":` of the innermost object. */
  #member(names: Set<string>): void {
    if (this.#peek() !== '"') this.#refuse("syntax", "no name starts");
    const from = this.#at;
    const name = this.#string();
    if (name === "__proto__") this.#refuse("name", "a name that is not allowed", from);
    if (names.has(name)) this.#refuse("duplicate", "a repeated name", from);
    names.add(name);
    if (this.#peek() !== ":") this.#refuse("syntax", "no colon follows a name");
    this.#at++;
  }

  /** Opens an array or object; true when it has a first item to read. */
  #open(next: string): boolean {
    if (this.#levels.length >= this.#maxDepth)
      this.#refuse("depth", `nesting of more than ${this.#maxDepth} levels`);
    this.#at++;
    const names = next === "{" ? new Set<string>() : undefined;
    if (this.#peek() === (names ? "}" : "]")) {
      this.#at++;
      return false;
    }
    this.#levels.push({ names });
    if (names) this.#member(names);
    return true;
  }

  /** After a whole value: closes what ends here; true when another item follows. */
  #more(): boolean {
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) {
      const next = this.#peek();
      if (next === ",") {
        this.#at++;
        if (level.names) this.#member(level.names);
        return true;
      }
      if (next !== (level.names ? "}" : "]"))
        this.#refuse(
          "syntax",
          next === "" ? "the text ends too early" : "no comma or closing bracket follows",
        );
      this.#at++;
      this.#levels.pop();
    }
    return false;
  }

  run(): void {
    do {
      let next = this.#peek();
      while ((next === "[" || next === "{") && this.#open(next)) next = this.#peek();
      if (next !== "[" && next !== "{") this.#scalar(next);
    } while (this.#more());
    if (this.#peek() !== "") this.#refuse("syntax", "something follows the value");
  }
}

/** Says why a text was refused, and at which byte of its UTF-8 form. */
export function diagnose(text: string, maxDepth: number): Fault {
  try {
    new Recogniser(text, maxDepth).run();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
  return new Fault("invalid", "json.syntax", "Cannot parse JSON: the text is not valid");
}
