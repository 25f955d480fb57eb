// A repository in JavaScript, as a user may write one: maps, compared as the contract says.

import { CrmError } from 'crm-core';

const refusal = (kind, code, details) => new CrmError({ kind, code, message: code, path: '', details });
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Keeps records and events in memory; every method answers at once. */
export class MemoryStore {
  tenants = new Map();
  commits = 0;

  tenant(name) {
    if (!this.tenants.has(name)) this.tenants.set(name, { records: new Map(), events: [], marks: new Map(), claims: new Map(), counters: new Map(), series: new Map(), timers: new Map() });
    return this.tenants.get(name);
  }

  get({ tenant, keys }) {
    const { records, marks } = this.tenant(tenant);
    return keys.map(({ kind, id }) => {
      if (kind !== 'idempotency') return records.get(`${kind}/${id}`);
      const mark = marks.get(id);
      if (!mark) return undefined;
      const { numbers, ...body } = mark;
      return { kind, id, version: 1, schema: 1, keys: [], body, numbers };
    });
  }

  find({ tenant, kind, tests, order, descending, after, limit }) {
    const placed = (record) => (order === null ? '' : record.keys[order] ?? '');
    const byPlace = (a, b) => (compare(placed(a), placed(b)) || compare(a.id, b.id)) * (descending ? -1 : 1);
    const passes = (record) => tests.every((test) => {
      const [[how, { index, ...wanted }]] = Object.entries(test);
      const key = record.keys[index];
      if (key === undefined) return false;
      if (how === 'in') return wanted.keys.includes(key);
      if (how === 'prefix') return key.startsWith(wanted.prefix);
      return (wanted.from === null || key >= wanted.from) && (wanted.to === null || key < wanted.to);
    });
    const last = after === null ? null : { id: after.id, keys: { [order]: after.key || undefined } };
    return [...this.tenant(tenant).records.values()]
      .filter((record) => record.kind === kind && passes(record))
      .sort(byPlace)
      .filter((record) => last === null || byPlace(record, last) > 0)
      .slice(0, limit);
  }

  commit({ tenant, puts, deletes, requires, claims, counters, allocate, timers, events, idempotency }) {
    const state = this.tenant(tenant);
    const { records, marks } = state;
    const mark = idempotency && marks.get(idempotency.key);
    if (mark) {
      if (mark.request_hash === idempotency.request_hash) return { replayed: { response: mark.response, numbers: mark.numbers } };
      throw refusal('conflict', 'idempotency_key_reused', { key: idempotency.key });
    }
    for (const { record, key = record, expect } of [...requires, ...puts, ...deletes]) {
      const found = records.get(`${key.kind}/${key.id}`);
      if (expect === 'absent' ? found : found?.version !== expect.version) {
        const read = requires.some((require) => require.key === key);
        throw refusal('conflict', expect === 'absent' && !read ? 'record_exists' : 'version_conflict', { kind: key.kind, id: key.id });
      }
    }
    const held = claimed(state.claims, claims);
    const counts = counted(state.counters, counters);
    const timed = set(state.timers, timers);
    // Everything holds: from here on nothing is refused.
    const numbers = {};
    for (const { token, scope } of allocate) {
      numbers[token] = (state.series.get(scope) ?? 0) + 1;
      state.series.set(scope, numbers[token]);
    }
    Object.assign(state, { claims: held, counters: counts, timers: timed });
    for (const { record } of puts) records.set(`${record.kind}/${record.id}`, { ...record, numbers });
    for (const { key } of deletes) records.delete(`${key.kind}/${key.id}`);
    for (const event of events) state.events.push({ cursor: String(state.events.length + 1), event, numbers });
    if (idempotency) marks.set(idempotency.key, { request_hash: idempotency.request_hash, response: idempotency.response, numbers });
    this.commits += 1;
    return allocate.length === 0 ? undefined : { done: { numbers } };
  }

  events({ tenant, after, limit }) {
    if (after !== null && !/^\d+$/.test(after)) throw refusal('validation', 'invalid_cursor', {});
    const start = after === null ? 0 : Number(after);
    return this.tenant(tenant).events.slice(start, start + limit);
  }

  due({ tenant, now, limit }) {
    return [...this.tenant(tenant).timers.values()].filter(({ due }) => byTime(due, now) <= 0).sort(byTimer).slice(0, limit);
  }

  next_due({ limit }) {
    const first = ([tenant, { timers }]) => [...timers.values()].sort(byTimer).slice(0, 1).map(({ due }) => ({ due, tenant }));
    return [...this.tenants].flatMap(first).sort((a, b) => byTime(a.due, b.due) || compare(a.tenant, b.tenant)).slice(0, limit);
  }
}

// Enough for whole seconds; microseconds want more care.
const byTime = (a, b) => Date.parse(a) - Date.parse(b);
const byTimer = (a, b) => byTime(a.due, b.due) || compare(a.key.kind, b.key.kind) || compare(a.key.id, b.key.id) || compare(a.rule, b.rule);
const isSame = (a, b) => a.kind === b.kind && a.id === b.id;

function claimed(before, claims) {
  const held = new Map(before);
  for (const { scope, name, owner } of claims.filter(({ release }) => release)) {
    const place = JSON.stringify([scope, name]);
    if (held.has(place) && isSame(held.get(place), owner)) held.delete(place);
  }
  for (const { scope, name, owner } of claims.filter(({ release }) => !release)) {
    const place = JSON.stringify([scope, name]);
    if (held.has(place) && !isSame(held.get(place), owner)) throw refusal('conflict', 'claim_taken', { scope, name });
    held.set(place, owner);
  }
  return held;
}

function counted(before, counters) {
  const counts = new Map(before);
  for (const { scope, name, delta, max } of counters) {
    const place = JSON.stringify([scope, name]);
    const value = (counts.get(place) ?? 0) + delta;
    if (delta > 0 && value > Math.min(max ?? Infinity, Number.MAX_SAFE_INTEGER)) throw refusal('limit', 'limit_reached', { scope, name, max: max ?? null });
    counts.set(place, value);
  }
  return counts;
}

function set(before, timers) {
  const timed = new Map(before);
  for (const { key, rule, due, fires, failures = 0 } of timers) {
    const place = JSON.stringify([key.kind, key.id, rule]);
    if (fires !== undefined && timed.get(place)?.due !== fires) throw refusal('conflict', 'version_conflict', { kind: 'timer', id: key.id });
    if (due === undefined) timed.delete(place);
    else timed.set(place, { due, key, rule, failures });
  }
  return timed;
}

/** The same store behind Promises that take a turn. */
export function later(store) {
  const turn = (method) => async (need) => {
    await new Promise((resolve) => setImmediate(resolve));
    return store[method](need);
  };
  return { get: turn('get'), find: turn('find'), commit: turn('commit'), events: turn('events'), due: turn('due'), next_due: turn('next_due') };
}
