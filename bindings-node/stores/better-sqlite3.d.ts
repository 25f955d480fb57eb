import type { SqlNeed, SqlRepository, SqlResult, Tables } from '../lib/crm';

/** What is used of a database of the package better-sqlite3. */
export interface BetterSqlite3Database {
  readonly inTransaction: boolean;
  exec(text: string): unknown;
  prepare(text: string): any;
}

/** A repository in a database that the host opened with better-sqlite3: in the host's transaction, or with its own. */
export declare class BetterSqlite3Store implements SqlRepository {
  constructor(database: BetterSqlite3Database, options?: { transactions?: 'host' | 'own'; tables?: Tables });
  readonly tables: Tables | undefined;
  readonly sql: 'sqlite';
  readonly in_transaction: boolean;
  execute(need: SqlNeed): SqlResult[];
}
