import { discardAfter, type Library, library, type Token } from "./biscuit.ts";
import { Claims, limits, RootClaims } from "./claims.ts";
import { printBlock } from "./datalog.ts";
import { refuseWidening } from "./effective.ts";
import { fault } from "./faults.ts";
import { keyIdOf, type Root, secretOf } from "./root.ts";
import { type Block, blocksOf, open, printToken, type Roots } from "./token.ts";

/** What `describe` tells. */
export interface Description {
  /** True when nobody can narrow it further. */
  readonly sealed: boolean;
  readonly blocks: readonly Block[];
}

function checkClaims<T>(
  schema: {
    safeParse(value: unknown): { data?: T; error?: { issues: { path: PropertyKey[]; message: string }[] } };
  },
  claims: unknown,
): T {
  const { data, error } = schema.safeParse(claims);
  if (data !== undefined) return data;
  const issue = error?.issues[0];
  throw fault.claims(`${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim());
}

/**
 * Mints a ticket. Throws `ticket.claims` naming the field, and `ticket.oversize`.
 * The key of the next block is drawn inside the library from the engine's randomness: two mints never give one text.
 */
export async function mint(root: Root, claims: RootClaims): Promise<string> {
  const source = printBlock(checkClaims(RootClaims, claims));
  const lib = await library();
  const builder = lib.Biscuit.builder();
  builder.addCode(source);
  builder.setRootKeyId(keyIdOf(root.publicKey));
  const key = lib.PrivateKey.fromBytes(secretOf(root), 0);
  using token = builder.build(key);
  key.free();
  return printToken(token);
}

/**
 * Appends a block; whoever holds an unsealed ticket can, with the public keys alone.
 * Throws `ticket.widens` naming what is more than the ticket has, `ticket.sealed`, `ticket.claims`, `ticket.oversize`,
 * and what `verify` throws for a ticket that cannot be read.
 */
export async function narrow(token: string, claims: Claims, roots: Roots): Promise<string> {
  const checked = checkClaims(Claims, claims);
  using above = await open(token, roots);
  const blocks = blocksOf(above);
  if (blocks.length >= limits.blocks) throw fault.oversize(`more than ${limits.blocks} blocks`);
  refuseWidening(blocks, checked);
  const lib = await library();
  const builder = lib.Biscuit.block_builder();
  builder.addCode(printBlock(checked));
  using below = append(above, builder);
  return printToken(below);
}

function append(above: Token, builder: Parameters<Token["appendBlock"]>[0]): Token {
  try {
    return above.appendBlock(builder);
  } catch (thrown) {
    discardAfter(thrown);
    throw thrown === "AlreadySealed" ? fault.sealed() : fault.malformed();
  }
}

/** Gives the same ticket in the form that nobody can narrow. */
export async function seal(token: string, roots: Roots): Promise<string> {
  using above = await open(token, roots);
  if (isSealed(above, await library())) return token;
  using sealed = above.sealToken();
  return printToken(sealed);
}

function isSealed(token: Token, lib: Library): boolean {
  try {
    using _appended = append(token, lib.Biscuit.block_builder());
    return false;
  } catch {
    return true;
  }
}

/** Reads a ticket for showing, expired or not: its blocks without any secret. */
export async function describe(token: string, roots: Roots): Promise<Description> {
  using opened = await open(token, roots);
  return { sealed: isSealed(opened, await library()), blocks: blocksOf(opened) };
}
