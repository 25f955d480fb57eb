// A store over the package pg: a pool with transactions of its own, or the host's client and transaction.

import { asks, holds, parameter, plain, refused } from './run.mjs';

// Who uses a client waits for who used it before: savepoints of operations that run at once must not cross.
const lines = new WeakMap();

function inTurn(client, work) {
  const turn = (lines.get(client) ?? Promise.resolve()).then(work);
  lines.set(client, turn.catch(() => {}));
  return turn;
}

/**
 * A repository in PostgreSQL.
 *
 * Given a client it works inside the host's transaction: it never begins, commits or rolls back one, a savepoint makes each
 * operation whole, and without an open transaction it refuses to write. Given a pool every commit is a transaction of its own.
 */
export class PgStore {
  sql = 'postgres';

  constructor(database, { tables } = {}) {
    this.database = database;
    this.tables = tables;
    // A pool counts its clients.
    this.in_transaction = database.totalCount === undefined;
  }

  async execute({ statements, write }) {
    if (this.in_transaction) return inTurn(this.database, () => inside(this.database, statements, write));
    const client = await this.database.connect();
    let broken;
    try {
      return await byItself(client, statements, write);
    } catch (error) {
      broken = error;
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

async function inside(client, statements, write) {
  if (!write) return (await run(client, statements)).done;
  try {
    await client.query('SAVEPOINT crm_core');
  } catch (cause) {
    if (cause.code !== '25P01') throw cause;
    throw refused('unsupported', 'outside_transaction', {}, { cause });
  }
  let whole = false;
  try {
    const ran = await run(client, statements);
    ({ whole } = ran);
    return ran.done;
  } finally {
    if (!whole) await client.query('ROLLBACK TO SAVEPOINT crm_core');
    await client.query('RELEASE SAVEPOINT crm_core');
  }
}

async function byItself(client, statements, write) {
  if (!write && statements.length < 2) return (await run(client, statements)).done;
  await client.query(write ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  let whole = false;
  try {
    const ran = await run(client, statements);
    if (ran.whole) {
      await client.query('COMMIT');
      whole = true;
    }
    return ran.done;
  } finally {
    if (!whole) await client.query('ROLLBACK');
  }
}

async function run(client, statements) {
  const done = [];
  for (const statement of statements) {
    const values = statement.params.map((param) => parameter(param, String));
    const result = await client.query({ text: statement.text, values, rowMode: 'array' });
    const ran = asks(statement) ? { rows: plain(result.rows) } : { changed: result.rowCount ?? 0 };
    done.push(ran);
    if (!holds(statement, ran)) return { done, whole: false };
  }
  return { done, whole: true };
}
