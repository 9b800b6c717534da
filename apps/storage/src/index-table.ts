import { rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { IndexEntry } from "@skep/kernel";

// "SKPI": whose database this is; a shape of tables has a version, and another version is thrown away.
const application = 0x534b5049;
const version = 2;

/** Records kept of each path. */
const touchesKept = 32;
const tables = `
  CREATE TABLE entry (kind TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
  CREATE INDEX entry_by_seq ON entry (kind, seq);
  CREATE TABLE touch (path TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (path, seq)) WITHOUT ROWID;
  CREATE TABLE kind (name TEXT PRIMARY KEY, entries INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE progress (up_to INTEGER NOT NULL);
  INSERT INTO progress VALUES (0);
  PRAGMA application_id = ${application};
  PRAGMA user_version = ${version};
`;

function numberIn(row: Record<string, unknown> | undefined, column: string): number | undefined {
  const value = row?.[column];
  return typeof value === "number" ? value : undefined;
}

function gather(touches: Map<string, number[]>, path: string, seq: number): void {
  const known = touches.get(path);
  if (known) known.push(seq);
  else touches.set(path, [seq]);
}

/** Removes a database with its companions. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"])
    rmSync(path + suffix, { force: true, recursive: true });
}

function tune(database: DatabaseSync): void {
  database.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000",
  );
}

function openExisting(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    const owner = numberIn(database.prepare("PRAGMA application_id").get(), "application_id");
    const shape = numberIn(database.prepare("PRAGMA user_version").get(), "user_version");
    if (owner === application && shape === version) {
      tune(database);
      database.prepare("SELECT count(*) FROM progress").get();
      database.prepare("SELECT kind FROM entry LIMIT 1").get();
      database.prepare("SELECT path FROM touch LIMIT 1").get();
      return database;
    }
  } catch {
    // Not a database, or a damaged one: it is made anew below.
  }
  database?.close();
  return undefined;
}

/** The database of an index, in the thread that owns it. */
export class IndexTable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #update: StatementSync;
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #page: StatementSync;
  readonly #touch: StatementSync;
  readonly #prune: StatementSync;
  readonly #touched: StatementSync;

  readonly #touchKind: string;

  /**
   * Opens the database; one that is damaged or not ours is thrown away, and `upTo` is 0 then. Entries of `touchKind` tell which
   * record touched a path.
   */
  constructor(path: string, touchKind: string) {
    this.#path = path;
    this.#touchKind = touchKind;
    let database = openExisting(path);
    if (!database) {
      removeDatabase(path);
      database = new DatabaseSync(path);
      tune(database);
      database.exec(`BEGIN; ${tables} COMMIT`);
    }
    this.#database = database;
    this.#update = database.prepare("UPDATE entry SET seq = ? WHERE kind = ? AND key = ?");
    this.#insert = database.prepare(
      "INSERT INTO entry (seq, kind, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#find = database.prepare("SELECT seq FROM entry WHERE kind = ? AND key = ?");
    this.#page = database.prepare(
      "SELECT kind, key, seq FROM entry WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    );
    this.#touch = database.prepare("INSERT OR IGNORE INTO touch VALUES (?, ?)");
    this.#prune = database.prepare(
      "DELETE FROM touch WHERE path = ?1 AND seq <= (SELECT seq FROM touch WHERE path = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    );
    this.#touched = database.prepare(
      "SELECT seq FROM touch WHERE path = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    );
  }

  get upTo(): number {
    return numberIn(this.#database.prepare("SELECT up_to FROM progress").get(), "up_to") ?? 0;
  }

  /** All entries and the new `upTo` in one transaction. */
  add(entries: readonly IndexEntry[], upTo: number): void {
    const added = new Map<string, number>();
    const touches = new Map<string, number[]>();
    this.#database.exec("BEGIN");
    try {
      for (const { kind, key, seq } of entries) {
        if (kind === this.#touchKind) {
          gather(touches, key, seq);
          continue;
        }
        if (this.#insert.run(seq, kind, key).changes === 0) this.#update.run(seq, kind, key);
        else added.set(kind, (added.get(kind) ?? 0) + 1);
      }
      this.#addTouches(touches);
      const count = this.#database.prepare(
        "INSERT INTO kind VALUES (?, ?) ON CONFLICT DO UPDATE SET entries = entries + excluded.entries",
      );
      for (const [kind, entries] of added) count.run(kind, entries);
      this.#database.prepare("UPDATE progress SET up_to = ?").run(upTo);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  // A path that is written all the time costs no more than its newest records.
  #addTouches(touches: ReadonlyMap<string, readonly number[]>): void {
    for (const [path, all] of touches) {
      for (const seq of all.slice(-touchesKept)) this.#touch.run(path, seq);
      this.#prune.run(path, touchesKept);
    }
  }

  touched(path: string, below: number, count: number): number[] {
    return this.#touched.all(path, below, count).map((row) => Number(row.seq));
  }

  find(kind: string, key: string): number | undefined {
    return numberIn(this.#find.get(kind, key), "seq");
  }

  page(kind: string, below: number, count: number): IndexEntry[] {
    return this.#page
      .all(kind, below, count)
      .map((row) => ({ kind: String(row.kind), key: String(row.key), seq: Number(row.seq) }));
  }

  count(kind: string): number {
    return (
      numberIn(this.#database.prepare("SELECT entries FROM kind WHERE name = ?").get(kind), "entries") ?? 0
    );
  }

  close(): void {
    this.#database.close();
  }

  /** Throws the database away, so that the next start reads the journal again. */
  discard(): void {
    this.#database.close();
    removeDatabase(this.#path);
  }
}
