// A store in the browser's IndexedDB.

import { CrmError } from '../lib/error.mjs';

const LAYOUT = 1;
const KEYS = 12;
// Names of places within an index: everything above any text, number or bytes.
const ABOVE = [];
const encoder = new TextEncoder();

const refusal = (kind, code, details) => new CrmError({ kind, code, message: code, path: '', details });

/** Opens a repository in IndexedDB, and makes the database when it is not there. */
export async function openIndexedDb(name = 'crm-core', factory = globalThis.indexedDB) {
  const request = factory.open(name, LAYOUT);
  request.onupgradeneeded = () => create(request.result);
  const database = await new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failure(request.error));
    request.onblocked = () => reject(refusal('storage', 'storage_locked', {}));
  });
  // Another page that wants a newer layout does not wait for this one.
  database.onversionchange = () => database.close();
  return new IndexedDbStore(database);
}

function create(database) {
  const records = database.createObjectStore('record', { keyPath: ['tenant', 'kind', 'place'] });
  for (let index = 0; index < KEYS; index += 1) {
    records.createIndex(`k${index}`, ['tenant', 'kind', `k${index}`, 'place']);
  }
  database.createObjectStore('event', { keyPath: 'seq', autoIncrement: true }).createIndex('tenant', ['tenant', 'seq']);
  database.createObjectStore('mark', { keyPath: ['tenant', 'key'] });
  database.createObjectStore('claim', { keyPath: ['tenant', 'scope', 'name'] });
  database.createObjectStore('counter', { keyPath: ['tenant', 'scope', 'name'] });
  database.createObjectStore('series', { keyPath: ['tenant', 'scope'] });
  const timers = database.createObjectStore('timer', { keyPath: ['tenant', 'kind', 'place', 'rule'] });
  timers.createIndex('due', ['tenant', 'second', 'micro', 'kind', 'place', 'rule']);
}

/** A repository in IndexedDB; every commit is one of its transactions. */
export class IndexedDbStore {
  constructor(database) {
    this.database = database;
  }

  close() {
    this.database.close();
  }

  get({ tenant, keys }) {
    return this.#transact(['record', 'mark'], 'readonly', (stores) => Promise.all(keys.map(async ({ kind, id }) => {
      if (kind !== 'idempotency') return read(await done(stores.record.get([tenant, kind, placed(id)])));
      const mark = await done(stores.mark.get([tenant, id]));
      if (mark === undefined) return null;
      const body = { request_hash: mark.request_hash, response: mark.response };
      return { kind, id, version: 1, schema: 1, keys: [], body, numbers: mark.numbers };
    })));
  }

  find(query) {
    return this.#transact(['record'], 'readonly', (stores) => find(stores.record, query));
  }

  commit(changes) {
    const all = ['record', 'event', 'mark', 'claim', 'counter', 'series', 'timer'];
    return this.#transact(all, 'readwrite', (stores) => commit(stores, changes));
  }

  events({ tenant, after, limit }) {
    if (after !== null && !/^\d{1,15}$/.test(after)) throw refusal('validation', 'invalid_cursor', {});
    const range = IDBKeyRange.bound([tenant, after === null ? 0 : Number(after)], [tenant, ABOVE], true);
    return this.#transact(['event'], 'readonly', async (stores) => {
      const found = limit === 0 ? [] : await done(stores.event.index('tenant').getAll(range, limit));
      return found.map(({ seq, event, numbers }) => ({ cursor: String(seq), event: JSON.parse(event), numbers }));
    });
  }

  due({ tenant, now, limit }) {
    const { second, micro } = instant(now);
    const range = IDBKeyRange.bound([tenant], [tenant, second, micro, ABOVE]);
    return this.#transact(['timer'], 'readonly', async (stores) => {
      const found = limit === 0 ? [] : await done(stores.timer.index('due').getAll(range, limit));
      return found.map(({ due, kind, id, rule, failures }) => ({ due, key: { kind, id }, rule, failures }));
    });
  }

  next_due({ limit }) {
    return this.#transact(['timer'], 'readonly', async (stores) => {
      const found = [];
      const index = stores.timer.index('due');
      // The first timer of each tenant: from one tenant to the next.
      let cursor = await done(index.openCursor());
      while (cursor !== null) {
        found.push(cursor.value);
        cursor = await done(index.openCursor(IDBKeyRange.lowerBound([cursor.value.tenant, ABOVE])));
      }
      const byTime = (a, b) => a.second - b.second || a.micro - b.micro || order(placed(a.tenant), placed(b.tenant));
      return found.sort(byTime).slice(0, limit).map(({ due, tenant }) => ({ due, tenant }));
    });
  }

  // Runs work in a transaction, which ends well when the work does and is undone when it throws.
  async #transact(names, mode, work) {
    const transaction = this.database.transaction(names, mode, { durability: 'strict' });
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure(transaction.error));
    });
    ended.catch(() => {});
    const stores = Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
    let found;
    try {
      found = await work(stores);
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It is over already.
      }
      throw error instanceof DOMException ? failure(error) : error;
    }
    await ended;
    return found;
  }
}

function failure(error) {
  const full = error?.name === 'QuotaExceededError';
  return Object.assign(new Error(error?.message ?? 'the transaction was aborted', { cause: error }), { retryable: !full });
}

/** A request's result; asking for the next one keeps the transaction open. */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** An id as its bytes in UTF-8, by which ids order. */
function placed(id) {
  return encoder.encode(id);
}

function order(a, b) {
  return indexedDB.cmp(a, b);
}

/** A time in two numbers that are exact. */
function instant(text) {
  const [, whole, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(text);
  return { second: Date.parse(`${whole}Z`) / 1000, micro: Number(fraction.padEnd(6, '0')) };
}

function read(row) {
  return row === undefined ? null : JSON.parse(row.record);
}

// The records of a query: along the order's index from where the page begins, or the few that a list of keys names.
async function find(store, query) {
  const { tenant, kind, tests, order: by, descending, after, limit } = query;
  if (limit === 0) return [];
  const listed = tests.find((test) => test.in !== undefined)?.in;
  if (listed !== undefined && listed.index < KEYS) {
    const index = store.index(`k${listed.index}`);
    const range = (key) => IDBKeyRange.bound([tenant, kind, key], [tenant, kind, key, ABOVE]);
    const rows = await Promise.all([...new Set(listed.keys)].map((key) => done(index.getAll(range(key)))));
    const field = (row) => (by === null ? '' : row[`k${by}`]);
    const compare = (a, b) => (order(field(a), field(b)) || order(a.place, b.place)) * (descending ? -1 : 1);
    const last = after === null ? null : { [`k${by}`]: after.key, place: placed(after.id) };
    return rows.flat().filter((row) => passes(row, tests) && (last === null || compare(row, last) > 0)).sort(compare).slice(0, limit).map(read);
  }
  const source = by === null ? store : store.index(`k${by}`);
  const start = [tenant, kind];
  let [lower, upper] = [start, [...start, ABOVE]];
  if (after !== null) {
    const place = by === null ? [...start, placed(after.id)] : [...start, after.key, placed(after.id)];
    if (descending) upper = place;
    else lower = place;
  }
  const range = IDBKeyRange.bound(lower, upper, !descending && after !== null, descending && after !== null);
  const found = [];
  const request = source.openCursor(range, descending ? 'prev' : 'next');
  await new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return resolve();
      if (passes(cursor.value, tests)) found.push(read(cursor.value));
      return found.length === limit ? resolve() : cursor.continue();
    };
  });
  return found;
}

// Keys are compared as hexadecimal, which orders as their bytes do; a record without the key passes no test of it.
function passes(row, tests) {
  return tests.every((test) => {
    const [[how, { index, ...wanted }]] = Object.entries(test);
    const key = row[`k${index}`] ?? '';
    if (key === '') return false;
    if (how === 'in') return wanted.keys.includes(key);
    if (how === 'prefix') return key.startsWith(wanted.prefix);
    return (wanted.from === null || key >= wanted.from) && (wanted.to === null || key < wanted.to);
  });
}

async function commit(stores, changes) {
  const { tenant, puts, deletes, requires, claims, counters, allocate, timers, events, idempotency } = changes;
  const mark = idempotency && await done(stores.mark.get([tenant, idempotency.key]));
  if (mark) {
    if (mark.request_hash === idempotency.request_hash) return { replayed: { response: mark.response, numbers: mark.numbers } };
    throw refusal('conflict', 'idempotency_key_reused', { key: idempotency.key });
  }
  for (const { record, key = record, expect } of [...requires, ...puts, ...deletes]) {
    const row = await done(stores.record.get([tenant, key.kind, placed(key.id)]));
    if (expect === 'absent' ? row : row?.version !== expect.version) {
      // What was only read is a conflict however it changed.
      const read = requires.some((require) => require.key === key);
      throw refusal('conflict', expect === 'absent' && !read ? 'record_exists' : 'version_conflict', { kind: key.kind, id: key.id });
    }
  }
  await claim(stores.claim, tenant, claims);
  for (const counter of counters) await count(stores.counter, tenant, counter);
  for (const timer of timers) await time(stores.timer, tenant, timer);
  const numbers = {};
  for (const { token, scope } of allocate) {
    const value = ((await done(stores.series.get([tenant, scope])))?.value ?? 0) + 1;
    stores.series.put({ tenant, scope, value });
    numbers[token] = value;
  }
  for (const { record } of puts) stores.record.put(row(tenant, record, numbers));
  for (const { key } of deletes) stores.record.delete([tenant, key.kind, placed(key.id)]);
  for (const event of events) stores.event.add({ tenant, event: JSON.stringify(event), numbers });
  if (idempotency) stores.mark.put({ tenant, ...idempotency, numbers });
  return { done: { numbers } };
}

function row(tenant, record, numbers) {
  const keys = Object.fromEntries(Array.from({ length: KEYS }, (_, index) => [`k${index}`, record.keys[index] ?? '']));
  const { kind, id, version } = record;
  return { tenant, kind, place: placed(id), version, ...keys, record: JSON.stringify({ ...record, id, numbers }) };
}

async function claim(store, tenant, claims) {
  const holder = async ({ scope, name, owner }) => {
    const held = await done(store.get([tenant, scope, name]));
    return held && { own: held.kind === owner.kind && held.id === owner.id };
  };
  for (const each of claims.filter(({ release }) => release)) {
    if ((await holder(each))?.own) store.delete([tenant, each.scope, each.name]);
  }
  for (const each of claims.filter(({ release }) => !release)) {
    const { scope, name, owner } = each;
    if ((await holder(each))?.own === false) throw refusal('conflict', 'claim_taken', { scope, name });
    store.put({ tenant, scope, name, ...owner });
  }
}

async function count(store, tenant, { scope, name, delta, max }) {
  const value = ((await done(store.get([tenant, scope, name])))?.value ?? 0) + delta;
  if (delta > 0 && value > Math.min(max ?? Infinity, Number.MAX_SAFE_INTEGER)) {
    throw refusal('limit', 'limit_reached', { scope, name, max: max ?? null });
  }
  store.put({ tenant, scope, name, value });
}

async function time(store, tenant, { key, rule, due, fires, failures = 0 }) {
  const place = [tenant, key.kind, placed(key.id), rule];
  if (fires !== undefined && (await done(store.get(place)))?.due !== fires) {
    throw refusal('conflict', 'version_conflict', { kind: 'timer', id: key.id });
  }
  if (due === undefined) store.delete(place);
  else store.put({ tenant, kind: key.kind, id: key.id, place: place[2], rule, due, failures, ...instant(due) });
}
