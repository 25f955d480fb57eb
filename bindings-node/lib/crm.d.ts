// What the façade adds to the operations: engines, errors, repositories, decisions over facts.

import type { Areas } from './areas';
import type { ConfigInput, ErrorData, ErrorKind, Explain, InstantInput, Instant, Operations, Reason } from './types';

export type { Areas };

/** The name of an operation. */
export type OperationName = keyof Operations;

/** Options of an operation that needs no store. */
export interface PureOptions {
  /** How much explanation is wanted; with `codes` or `full` the answer is `{value, reasons}`. */
  explain?: Explain;
  /** The present; only a few operations without a store need it. */
  now?: InstantInput;
  /** The time zone in which instants become days: `UTC`, an offset, or an IANA name. */
  zone?: string;
  /** The language of rendered texts. */
  locale?: string;
}

/** Options of an operation on an engine. */
export interface Options extends PureOptions {
  /** Whose data this is; `main` unless given. */
  tenant?: string;
  /** The user who acts. */
  actor?: string;
  /** Entropy from which new ids are derived; the host's own unless given, a fixed text in tests. */
  seed?: string;
  /** An id that ties events to the host's request. */
  correlation?: string;
  /** For the import of history: timers that would be due at or before this instant are not set. */
  quiet_until?: InstantInput;
  /** The caller's key: a repeated request gives the first answer and changes nothing. */
  idempotency_key?: string;
  /** The version at which the record that is changed is expected. */
  expect_version?: number;
  /** A configuration to use instead of the stored one. */
  config?: ConfigInput;
  /** Stops the operation where it waits; nothing is committed unless the commit was under way. */
  signal?: AbortSignal;
}

/** A value with the reasons for it. */
export interface Explained<T> {
  value: T;
  reasons: Reason[];
}

/** The value; with its reasons where they were asked for. */
export type Answer<T, O> = O extends { explain: 'codes' | 'full' } ? Explained<T> : T;

/** How one operation of a batch ended. */
export type BatchResult = { ok: true; value: unknown; reasons?: Reason[] } | { ok: false; error: ErrorData };

/** One operation of a batch. */
export type BatchRequestItem = {
  [K in OperationName]: { op: K; input: Operations[K]['input']; expect_version?: number };
}[OperationName];

/** What `Crm.open` takes beside the options of every operation. */
export interface OpenOptions extends Options {
  /** What an acknowledged commit outlives: a cut of power (the default), or only the end of the process. */
  durability?: 'power' | 'process';
  /** How many milliseconds a commit waits for another process's lock; 5,000 unless given. */
  busy_timeout?: number;
}

/**
 * An engine: every operation as a method that gives a Promise.
 *
 * The object holds plain data alone; what it stands for is in a private table. `Crm.from` makes an engine again of a
 * clone, in the same thread.
 */
export declare class Crm {
  /** An engine over the caller's own store. */
  constructor(options: { repository: Repository | SqlRepository } & Options);
  /** An engine over records in memory. */
  static inMemory(options?: Options): Crm;
  /** An engine over an SQLite file (`sqlite:deals.db`), which is made when it is not there; in Node alone. */
  static open(url: string, options?: OpenOptions): Promise<Crm>;
  /** The engine again, from what a clone or a proxy made of it. */
  static from(data: { readonly handle: number; readonly options?: Options }): Crm;
  /** The number of the engine. */
  readonly handle: number;
  /** The options of every operation. */
  readonly options: Readonly<Options>;
  /** The same engine with other options for every operation. */
  at(options: Options): Crm;
  /** Several operations under one context: all in one commit, or with `atomic: false` each by itself. */
  batch(requests: BatchRequestItem[], options?: Options & { atomic?: boolean }): Promise<BatchResult[]>;
  /** Closes the engine; a second time does nothing. */
  close(): void;
}

export interface Crm extends Areas {}

/** A refusal of the engine. */
export declare class CrmError extends Error {
  constructor(data: ErrorData, options?: { cause?: unknown });
  /** The coarse class: what can be done about it. */
  readonly kind: ErrorKind;
  /** The stable code. */
  readonly code: string;
  /** The place in the request, such as `lines[0].quantity`; empty when it is about the whole. */
  readonly path: string;
  /** The facts behind the message. */
  readonly details: { [name: string]: unknown };
  /** Whether the same request may succeed when it is tried again. */
  readonly retryable: boolean;
  /** Every single mistake; this error itself when it is the only one. The message has a line for each. */
  readonly violations: CrmError[];
}

/** Says whether something thrown is a `CrmError`, also one of another copy of this package. */
export declare function isCrmError(value: unknown): value is CrmError;

/** The sentence of a reason or an error in a language whose catalogue is there. */
export declare function render(reason: Reason | CrmError | ErrorData, locale?: string): string;
/** A reason, or a list of them, and all beneath it, one indented line each. */
export declare function renderTree(reason: Reason | readonly Reason[], locale?: string): string;
/** Adds a language's catalogue; the package has them as `catalogue/en.json` and `catalogue/zh.json`. */
export declare function addCatalogue(locale: string, catalogue: { [code: string]: string }): void;
/** Says whether a language's catalogue is there. */
export declare function hasCatalogue(locale: string): boolean;

/** The name of a record. */
export interface Key {
  kind: string;
  id: string;
}

/** A stored record. */
export interface StoredRecord extends Key {
  version: number;
  schema: number;
  /** Order-preserving keys of the kind's indexes, in hexadecimal; compare them as text. */
  keys: string[];
  body: { [field: string]: unknown };
  /** The numbers given out by the commit that wrote it, by token; left out when there are none. */
  numbers?: Numbers;
}

/** The numbers that a commit gave out, by token. */
export interface Numbers {
  [token: string]: number;
}

/** What a write expects of the record. */
export type Expect = 'absent' | { version: number };

/** Everything that one operation changes, to be committed whole or not at all. */
export interface ChangeSet {
  tenant: string;
  puts: { record: StoredRecord; changed: { [field: string]: unknown }; expect: Expect }[];
  deletes: { key: Key; expect: Expect }[];
  requires: { key: Key; expect: Expect }[];
  claims: { scope: string; name: string; owner: Key; release?: boolean }[];
  counters: { scope: string; name: string; delta: number; max?: number }[];
  allocate: { token: number; scope: string }[];
  events: ChangeEvent[];
  timers: { key: Key; rule: string; due?: Instant; fires?: Instant; failures?: number }[];
  idempotency?: { key: string; request_hash: string; response: string };
}

/** Something that happened. */
export interface ChangeEvent {
  kind: string;
  record_kind: string;
  record_id: string;
  effective_at: Instant;
  recorded_at: Instant;
  actor?: string;
  correlation?: string;
  data: { [name: string]: unknown };
}

/** The records of a kind that pass every test, ordered by an index and then by id. */
export interface Query {
  tenant: string;
  kind: string;
  tests: (
    | { in: { index: number; keys: string[] } }
    | { prefix: { index: number; prefix: string } }
    | { range: { index: number; from: string | null; to: string | null } }
  )[];
  order: number | null;
  descending: boolean;
  after: { key: string; id: string } | null;
  limit: number;
}

type Awaitable<T> = T | Promise<T>;

/** A store of the caller's; methods may give Promises or values. */
export interface Repository {
  /** One record or null for each key, in the keys' order. The kind `idempotency` reads the mark of a request. */
  get(need: { tenant: string; keys: Key[] }): Awaitable<(StoredRecord | null | undefined)[]>;
  /** At most `limit` records, ordered as the query says. */
  find(query: Query): Awaitable<StoredRecord[]>;
  /** Writes everything or nothing. Give nothing, or the stored answer of a request that was committed before. */
  commit(changes: ChangeSet): Awaitable<void | { done: { numbers?: Numbers } } | { replayed: { response: string; numbers?: Numbers } }>;
  /** Events after a cursor, in the order of their commits. */
  events(need: { tenant: string; after: string | null; limit: number }): Awaitable<{ cursor: string; event: ChangeEvent; numbers?: Numbers }[]>;
  /** Timers due at or before `now`, by time, kind, id and rule. */
  due?(need: { tenant: string; now: Instant; limit: number }): Awaitable<{ due: Instant; key: Key; rule: string; failures?: number }[]>;
  /** When each tenant's first timer is due, by time and tenant. */
  next_due?(need: { limit: number }): Awaitable<{ due: Instant; tenant: string }[]>;
  /** The parts of a change set that it executes, all unless it says otherwise; others are refused before it is asked. */
  readonly executes?: readonly ('claims' | 'counters' | 'allocate' | 'timers')[];
  /** Promises that bodies are kept letter by letter. */
  readonly exact_text?: boolean;
}

/** A statement for the caller's database; markers are `?` for SQLite, `$1::text` and so on for PostgreSQL. */
export interface SqlStatement {
  text: string;
  params: ({ text: string } | { int8: string } | { bytes: string } | { null: string })[];
  /** What must happen: rows, so many rows, so many rows changed, anything. */
  expect: 'rows' | { found: number } | { changed: number } | 'any';
}

/** Statements to execute in order, up to the first that does not come to what must happen; with `write` all count or none. */
export interface SqlNeed {
  statements: SqlStatement[];
  write: boolean;
}

/** What a statement came to: integers may be text, bytes are hexadecimal. */
export type SqlResult = { rows: (string | number | null)[][] } | { changed: number };

/** A store that executes the engine's statements; the package has some under `crm-core/stores`. */
export interface SqlRepository {
  readonly sql: 'sqlite' | 'postgres';
  /** Whether operations take part in a transaction that the host begins and ends. */
  readonly in_transaction?: boolean;
  execute(need: SqlNeed): Awaitable<SqlResult[]>;
}

/** What a run of the conformance suite found. */
export interface ConformanceReport {
  /** The checks that were run. */
  ran: string[];
  /** The promises that were not kept. */
  broken: { check: string; found: string }[];
}

/**
 * Puts a repository to the promises that the engine relies upon, and throws when one is not kept or nothing was run.
 * The records that it writes stay, in tenants whose names begin with `prefix`, a random one unless given.
 * In browsers it is in the build `crm-core-wasm/check` alone, and so is everything about SQL; elsewhere `not_in_this_build` is thrown.
 */
export declare function conformance(repository: Repository | SqlRepository, options?: { prefix?: string }): Promise<ConformanceReport>;

/** Makes the engine's tables in the caller's database, or brings older ones up to date; to be repeated without harm. */
export declare function createTables(repository: SqlRepository): Promise<{ before: number | null; layout: number }>;

/** The statements that make the tables, for migrations of the caller's own; `layout` is what the database has. */
export declare function tables(sql: 'sqlite' | 'postgres', layout?: number | null): string[];

/** One fact for a decision: a record, a record that is not there, the answer to a need, or the end of a kind's list. */
export type Fact =
  | { kind: string; id: string; body: object; version?: number | string }
  | { kind: string; id: string; absent: true }
  | { need: string; complete: true; records: Fact[] }
  | { need: string; events: { cursor: string; event: ChangeEvent }[] }
  | { kind: string; complete: true };

/** A fact that a decision still needs. */
export type FactNeed =
  | { get: Key }
  | { need: string; find: Query }
  | { need: string; events: { tenant: string; after: string | null; limit: number } };

/** What a host that decides keeps beside records and events: a name, a count, a number or a timer. */
export type Obligation =
  | { claim: { scope: string; name: string; owner: Key; release?: boolean } }
  | { counter: { scope: string; name: string; delta: number; max?: number } }
  | { number: { token: number; scope: string } }
  | { timer: { key: Key; rule: string; due?: Instant; fires?: Instant; failures?: number } };

/** A decision: the value, and the changes that the caller carries out. */
export interface Decided<T> {
  value: T;
  reasons?: Reason[];
  changes: ChangeSet;
  /** Records that are relied upon without a version; the caller locks them. */
  unguarded: Key[];
  /** What the caller keeps beside records and events. */
  obligations: Obligation[];
  /** Facts that were not used. */
  notes: Reason[];
  idempotency_key?: string;
}

/** A decision, or what it still needs. */
export type Decision<T> = { done: Decided<T>; needs?: undefined } | { done?: undefined; needs: FactNeed[] };

/** Decides an operation over facts; nothing is written. */
export declare function decide<K extends OperationName>(
  op: K,
  input: Operations[K]['input'],
  facts?: Fact[],
  options?: Options,
): Decision<Operations[K]['value']>;

/** A record of the caller's: its fields, and the version by which the caller guards it. */
export interface Row {
  body: object;
  version?: number | string;
}

/**
 * Functions by kind of record (`opportunity: (id) => ({body, version})`, or the fields alone, or null for one that is not there),
 * and `find` and `events` for lists. Without one for `configuration` the built-in configuration is in force, unless the options give one.
 */
export interface Loaders {
  find?: (need: { need: string; find: Query }) => Awaitable<Fact>;
  events?: (need: { need: string; events: { tenant: string; after: string | null; limit: number } }) => Awaitable<Fact>;
  [kind: string]: ((id: any) => Awaitable<Row | Fact | object | null | undefined>) | undefined;
}

/** Decides an operation over facts that are fetched as they are needed; nothing is written. */
export declare function decideWith<K extends OperationName>(
  op: K,
  input: Operations[K]['input'],
  load: Loaders | ((needs: FactNeed[]) => Awaitable<Fact[]>),
  options?: Options & { facts?: Fact[] },
): Promise<Decided<Operations[K]['value']>>;

/** What a build is: its versions and its operations. */
export interface Description {
  version: string;
  wire: number;
  semantics: number;
  operations: { name: string; effect: 'pure' | 'read' | 'write' }[];
}

/** Describes this build. */
export declare function describe(): Description;

/** The lowest level: a request as JSON text, its answer as JSON text. Nothing is filled in. */
export declare function callJson(request: string): string;
