// A store over a database of the package better-sqlite3: its own transactions, or the host's.

import { asks, holds, parameter, plain, refused } from './run.mjs';

/**
 * A repository in a database that the host opened with better-sqlite3.
 *
 * It works inside the host's transaction: it never begins, commits or rolls back one, a savepoint makes each operation whole, and
 * without an open transaction it refuses. With `transactions: 'own'` every commit is a transaction of its own instead.
 */
export class BetterSqlite3Store {
  sql = 'sqlite';
  #prepared = new Map();

  constructor(database, { transactions = 'host', tables } = {}) {
    this.database = database;
    this.tables = tables;
    this.in_transaction = transactions === 'host';
  }

  execute({ statements, write }) {
    const { database } = this;
    if (this.in_transaction && !database.inTransaction) throw refused('unsupported', 'outside_transaction');
    if (!write && (this.in_transaction || statements.length < 2)) return this.#run(statements).done;
    const [begin, keep, drop] = this.in_transaction
      ? ['SAVEPOINT crm_core', 'RELEASE crm_core', 'ROLLBACK TO crm_core; RELEASE crm_core']
      : [write ? 'BEGIN IMMEDIATE' : 'BEGIN', 'COMMIT', 'ROLLBACK'];
    this.#begin(begin);
    let end = drop;
    try {
      const { done, whole } = this.#run(statements);
      if (whole) {
        database.exec(keep);
        end = undefined;
      }
      return done;
    } finally {
      // A full disk, for one, rolls everything back by itself.
      if (end !== undefined && database.inTransaction) database.exec(end);
    }
  }

  #begin(text) {
    try {
      this.database.exec(text);
    } catch (cause) {
      if (!/^SQLITE_(BUSY|LOCKED)/.test(cause.code)) throw cause;
      throw refused('storage', 'storage_locked', {}, { cause });
    }
  }

  #run(statements) {
    const done = [];
    for (const statement of statements) {
      const prepared = this.#prepare(statement.text);
      const params = statement.params.map((param) => parameter(param, BigInt));
      const ran = asks(statement) ? { rows: plain(prepared.all(params)) } : { changed: Number(prepared.run(params).changes) };
      done.push(ran);
      if (!holds(statement, ran)) return { done, whole: false };
    }
    return { done, whole: true };
  }

  #prepare(text) {
    let prepared = this.#prepared.get(text);
    if (prepared === undefined) {
      prepared = this.database.prepare(text);
      if (prepared.reader) prepared.raw(true).safeIntegers(true);
      if (this.#prepared.size >= 256) this.#prepared.clear();
      this.#prepared.set(text, prepared);
    }
    return prepared;
  }
}
