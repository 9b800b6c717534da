/** Bytes from `first` to `last`, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The one range that a header asks for: undefined for all, `none` where there is no such byte. */
export function rangeOf(header: string | undefined, size: number): Range | "none" | undefined {
  const found = header === undefined ? undefined : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  // What is not understood is ignored (RFC 9110 §14.2), and so are several ranges.
  if (!found || (found[1] === "" && found[2] === "")) return undefined;
  const [, from = "", to = ""] = found;
  if (from === "") {
    const count = Math.min(Number(to), size);
    return count === 0 ? "none" : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "none" : { first, last };
}

/** Whether a list of entity tags has this one, or is `*`. Weak and strong ones compare alike. */
export function hasTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  const bare = tag.replace(/^W\//, "");
  return header.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === bare);
}
