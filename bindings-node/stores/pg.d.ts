import type { SqlNeed, SqlRepository, SqlResult, Tables } from '../lib/crm';

/** What is used of a client of the package pg. */
export interface PgClient {
  query(query: any): Promise<any>;
}

/** What is used of a pool of the package pg. */
export interface PgPool {
  readonly totalCount: number;
  connect(): Promise<any>;
}

/** A repository in PostgreSQL: in the transaction of the host's client, or over a pool with its own. */
export declare class PgStore implements SqlRepository {
  constructor(database: PgClient | PgPool, options?: { tables?: Tables });
  readonly tables: Tables | undefined;
  readonly sql: 'postgres';
  readonly in_transaction: boolean;
  execute(need: SqlNeed): Promise<SqlResult[]>;
}
