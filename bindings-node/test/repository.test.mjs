import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';

import { Crm, CrmError } from 'crm-core';
import { MemoryStore, later } from './store.mjs';

const native = createRequire(import.meta.url)('../native.cjs');
const options = { actor: 'u1', now: '2026-01-31T09:00:00Z', seed: 'repository' };

// Every operation that ended freed its handle: the next one that waits is begun over and over without a refusal.
function freeHandles() {
  const request = JSON.stringify({ op: 'users.get', context: { now: '2026-01-31T09:00:00Z' }, input: { id: 'x' } });
  const handles = [];
  for (;;) {
    const { handle } = JSON.parse(native.begin(request));
    if (handle === undefined) break;
    handles.push(handle);
  }
  handles.forEach((handle) => native.abort(handle));
  return handles.length;
}

test('a repository of values and one of Promises give the same', async () => {
  const ends = [];
  for (const repository of [new MemoryStore(), later(new MemoryStore())]) {
    const crm = new Crm({ repository, ...options });
    const user = await crm.users.create({ name: 'Ada' });
    const deal = await crm.opportunities.create({ name: 'Pump', owner: user.id });
    const { value, reasons } = await crm.opportunities.advance({ id: deal.id, to: 'qualification' }, { explain: 'full' });
    ends.push({ value, reasons, events: (await crm.events.list()).items });
  }
  assert.deepEqual(ends[0], ends[1]);
  assert.equal(ends[0].events.length, 3);
});

test('methods keep their object, private fields included', async () => {
  class Own extends MemoryStore {
    #asked = 0;
    get(need) {
      this.#asked += 1;
      return super.get(need);
    }
    asked() {
      return this.#asked;
    }
  }
  const repository = new Own();
  await assert.rejects(new Crm({ repository, ...options }).users.get({ id: 'x' }), { code: 'record_not_found' });
  assert.ok(repository.asked() > 0);
});

test('what a repository throws or rejects ends the operation and stays its cause', async () => {
  const before = freeHandles();
  const broken = new Error('the disk is gone');
  const stores = [
    { get: () => { throw broken; }, find() {}, commit() {}, events() {} },
    { get: () => Promise.reject(broken), find() {}, commit() {}, events() {} },
  ];
  for (const repository of stores) {
    const error = await new Crm({ repository, ...options }).users.get({ id: 'x' }).catch((thrown) => thrown);
    assert.ok(error instanceof CrmError);
    assert.deepEqual([error.kind, error.code, error.cause], ['storage', 'storage_failed', broken]);
    assert.match(error.message, /the disk is gone/);
  }
  const busy = Object.assign(new Error('busy'), { code: 'SQLITE_BUSY', retryable: true });
  const error = await new Crm({ repository: { ...later(new MemoryStore()), find: () => Promise.reject(busy) }, ...options }).users.find().catch((thrown) => thrown);
  assert.deepEqual([error.code, error.retryable, error.cause], ['storage_failed', true, busy]);
  for (const thrown of ['a text', undefined, null]) {
    const repository = { ...later(new MemoryStore()), get: () => { throw thrown; } };
    await assert.rejects(new Crm({ repository, ...options }).users.get({ id: 'x' }), { code: 'storage_failed' });
  }
  assert.equal(freeHandles(), before);
});

test('an answer of the wrong shape is refused and frees the handle', async () => {
  const before = freeHandles();
  for (const answer of [undefined, 5, [], [null, null], [{ kind: 'user' }], [{ kind: 'user', id: 'y', version: 1, schema: 1, keys: [], body: {} }]]) {
    const repository = { ...later(new MemoryStore()), get: () => answer };
    await assert.rejects(new Crm({ repository, ...options }).users.get({ id: 'x' }), (error) => error instanceof CrmError && ['storage_failed', 'invalid_answer'].includes(error.code));
  }
  assert.equal(freeHandles(), before);
});

test('an aborted operation stops at once, commits nothing and frees the handle', async () => {
  const before = freeHandles();
  const store = new MemoryStore();
  const repository = { ...later(store), get: () => new Promise(() => {}) };
  const crm = new Crm({ repository, ...options });
  const stop = new AbortController();
  const running = crm.users.create({ id: 'u1', name: 'Ada' }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 5);
  await assert.rejects(running, /enough/);
  await assert.rejects(crm.users.create({ id: 'u1', name: 'Ada' }, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal(store.commits, 0);
  assert.equal(freeHandles(), before);
});

test('a burst beyond the table of handles waits in line', async () => {
  const store = new MemoryStore();
  const crm = new Crm({ repository: later(store), actor: 'u1' });
  const users = await Promise.all(Array.from({ length: 2500 }, (_, n) => crm.users.create({ id: `u${n}`, name: 'A' })));
  assert.equal(users.length, 2500);
  assert.equal(store.commits, 2500);
});

test('two writers of one record: one wins, the other tries again from fresh reads', async () => {
  const store = new MemoryStore();
  const crm = new Crm({ repository: later(store), actor: 'u1' });
  await crm.users.create({ id: 'ada', name: 'Ada' });
  await Promise.all(['A', 'B'].map((email) => crm.users.update({ id: 'ada', name: `Ada ${email}` })));
  assert.equal((await crm.users.get({ id: 'ada' })).version, 3);
  const named = ['A', 'B'].map((email) => crm.users.update({ id: 'ada', name: `Ada ${email}2` }, { expect_version: 3 }));
  const ended = await Promise.allSettled(named);
  assert.deepEqual(ended.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(ended.find(({ status }) => status === 'rejected').reason.code, 'version_conflict');
});

test('something that is no repository is refused when it is given', () => {
  assert.throws(() => new Crm({ repository: {} }), /get`, `find`, `commit`/);
  assert.throws(() => new Crm(), /Crm\.inMemory/);
});
