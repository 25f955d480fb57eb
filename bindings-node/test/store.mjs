// A repository in JavaScript, as a user may write one: maps, compared as the contract says.

import { CrmError } from 'crm-core';

const refusal = (kind, code, details) => new CrmError({ kind, code, message: code, path: '', details });
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Keeps records and events in memory; every method answers at once. */
export class MemoryStore {
  tenants = new Map();
  commits = 0;

  tenant(name) {
    if (!this.tenants.has(name)) this.tenants.set(name, { records: new Map(), events: [], marks: new Map() });
    return this.tenants.get(name);
  }

  get({ tenant, keys }) {
    const { records, marks } = this.tenant(tenant);
    return keys.map(({ kind, id }) => {
      if (kind !== 'idempotency') return records.get(`${kind}/${id}`);
      const mark = marks.get(id);
      return mark && { kind, id, version: 1, schema: 1, keys: [], body: mark };
    });
  }

  find({ tenant, kind, tests, order, descending, after, limit }) {
    const placed = (record) => (order === null ? '' : record.keys[order] ?? '');
    const byPlace = (a, b) => (compare(placed(a), placed(b)) || compare(a.id, b.id)) * (descending ? -1 : 1);
    const passes = (record) => tests.every((test) => {
      if (test.in) return test.in.keys.includes(record.keys[test.in.index]);
      if (test.prefix) return record.keys[test.prefix.index].startsWith(test.prefix.prefix);
      const { index, from, to } = test.range;
      const key = record.keys[index];
      return (from === null || key >= from) && (to === null || key < to);
    });
    const last = after === null ? null : { id: after.id, keys: { [order]: after.key } };
    return [...this.tenant(tenant).records.values()]
      .filter((record) => record.kind === kind && passes(record))
      .sort(byPlace)
      .filter((record) => last === null || byPlace(record, last) > 0)
      .slice(0, limit);
  }

  commit({ tenant, puts, deletes, requires, events, idempotency }) {
    const { records, events: log, marks } = this.tenant(tenant);
    const mark = idempotency && marks.get(idempotency.key);
    if (mark) {
      if (mark.request_hash === idempotency.request_hash) return { replayed: { response: mark.response } };
      throw refusal('conflict', 'idempotency_key_reused', { key: idempotency.key });
    }
    for (const { record, key = record, expect } of [...requires, ...puts, ...deletes]) {
      const found = records.get(`${key.kind}/${key.id}`);
      if (expect === 'absent' ? found : found?.version !== expect.version) {
        throw refusal('conflict', expect === 'absent' ? 'record_exists' : 'version_conflict', { kind: key.kind, id: key.id });
      }
    }
    for (const { record } of puts) records.set(`${record.kind}/${record.id}`, record);
    for (const { key } of deletes) records.delete(`${key.kind}/${key.id}`);
    for (const event of events) log.push({ cursor: String(log.length + 1), event });
    if (idempotency) marks.set(idempotency.key, { request_hash: idempotency.request_hash, response: idempotency.response });
    this.commits += 1;
    return undefined;
  }

  events({ tenant, after, limit }) {
    if (after !== null && !/^\d+$/.test(after)) throw refusal('validation', 'invalid_cursor', {});
    const start = after === null ? 0 : Number(after);
    return this.tenant(tenant).events.slice(start, start + limit);
  }
}

/** The same store behind Promises that take a turn. */
export function later(store) {
  const turn = (method) => async (need) => {
    await new Promise((resolve) => setImmediate(resolve));
    return store[method](need);
  };
  return { get: turn('get'), find: turn('find'), commit: turn('commit'), events: turn('events') };
}
