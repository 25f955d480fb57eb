// A trap poisons an instance: its memory and stack can no longer be trusted. Here real traps are provoked in a real instance, by
// calling the module's own export with an address beyond its memory, as the façade would call it with a text's.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import * as glue from '../pkg/full/web/bindings_wasm.js';
import { crmOf } from '../lib/crm.mjs';
import { CrmError } from '../lib/error.mjs';
import { guarded } from '../lib/instance.mjs';
import { every } from '../lib/operations.mjs';
import { pureOf } from '../lib/pure.mjs';
import { MemoryStore, later } from '../../bindings-node/test/store.mjs';

const file = new URL('../pkg/full/web/bindings_wasm_bg.wasm', import.meta.url);
const raw = glue.initSync({ module: new WebAssembly.Module(readFileSync(file)) });
const usd = { currency: 'USD', lines: [{ quantity: '2', unit_price: '9.99' }] };

// What `call` does while `traps` is true: the module's own code runs into memory that is not there.
function build(restart = () => glue.__wbg_reset_state()) {
  const state = { traps: false };
  const call = (request) => {
    if (!state.traps) return glue.call(request);
    state.traps = false;
    return raw.call(0xfffffff0 | 0, 64);
  };
  const { abort, begin, callOn, close, openMemory, resume } = glue;
  const native = guarded({ abort, begin, call, callOn, close, openMemory, resume }, restart);
  return { state, Crm: crmOf(native), quotes: pureOf(native, every).quotes };
}

function crash({ state, quotes }) {
  state.traps = true;
  try {
    quotes.price(usd);
  } catch (error) {
    assert.equal(error.name, 'CrmError');
    assert.deepEqual([error.kind, error.code], ['internal', 'engine_crashed']);
    assert.ok(error.cause instanceof WebAssembly.RuntimeError, String(error.cause));
    return error;
  }
  return assert.fail('nothing trapped');
}

test('after a trap the next call runs in a new instance', () => {
  const built = build();
  assert.equal(built.quotes.price(usd).total, '19.98');
  const error = crash(built);
  assert.match(error.message, /crashed and was rebuilt: repeat the request/);
  assert.equal(built.quotes.price(usd).total, '19.98');
  crash(built);
  crash(built);
  assert.equal(built.quotes.price(usd).total, '19.98');
});

test('an engine in memory is gone with its instance and never taken for a new one', async () => {
  const built = build();
  const old = built.Crm.inMemory();
  await old.users.create({ id: 'ada', name: 'Ada' });
  crash(built);
  const fresh = built.Crm.inMemory();
  await fresh.users.create({ id: 'bob', name: 'Bob' });
  await assert.rejects(old.users.get({ id: 'bob' }), { code: 'engine_crashed' });
  old.close();
  assert.equal((await fresh.users.get({ id: 'bob' })).name, 'Bob');
  fresh.close();
});

test('a repository of the caller\'s outlives the crash; what was under way ends', async () => {
  const built = build();
  const store = new MemoryStore();
  const options = { actor: 'u1' };
  const crm = new built.Crm({ repository: store, ...options });
  await crm.users.create({ id: 'ada', name: 'Ada' });
  const slow = new built.Crm({ repository: later(store), ...options });
  const under = slow.users.update({ id: 'ada', name: 'Nobody' });
  await Promise.resolve();
  crash(built);
  const others = slow.users.update({ id: 'ada', name: 'Ada L.' });
  await assert.rejects(under, { code: 'engine_crashed' });
  await others;
  assert.equal((await crm.users.get({ id: 'ada' })).name, 'Ada L.');
  assert.equal(store.commits, 2);
});

test('a build that cannot make a new instance refuses from then on', () => {
  const built = build(() => {
    throw new Error('the module is not here');
  });
  crash(built);
  for (let n = 0; n < 2; n += 1) assert.throws(() => built.quotes.price(usd), (error) => error instanceof CrmError && error.code === 'engine_crashed');
  glue.__wbg_reset_state();
});
