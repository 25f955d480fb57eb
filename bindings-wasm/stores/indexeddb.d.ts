import type { Repository } from '../lib/crm';

/** A repository in the browser's IndexedDB; every commit is one of its transactions. */
export declare class IndexedDbStore implements Repository {
  constructor(database: IDBDatabase);
  readonly database: IDBDatabase;
  get: Repository['get'];
  find: Repository['find'];
  commit: Repository['commit'];
  events: Repository['events'];
  due: NonNullable<Repository['due']>;
  next_due: NonNullable<Repository['next_due']>;
  /** Closes the database. */
  close(): void;
}

/** Opens a repository in IndexedDB, and makes the database when it is not there; `crm-core` unless named. */
export declare function openIndexedDb(name?: string, factory?: IDBFactory): Promise<IndexedDbStore>;
