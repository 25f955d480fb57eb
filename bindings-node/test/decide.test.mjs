import assert from 'node:assert/strict';
import test from 'node:test';

import { Crm, decide, decideWith } from 'crm-core';
import { MemoryStore } from './store.mjs';

const options = { actor: 'u1', now: '2026-01-31T09:00:00Z', seed: 'decide' };
const deal = { kind: 'opportunity', id: '42', version: 'lock-7', body: { name: 'Pump', pipeline: 'sales', stage: 'prospecting', status: 'open' } };

test('a decision tells what it needs, then what to change', () => {
  const { needs, done } = decide('opportunities.advance', { id: '42', to: 'qualification' }, [], options);
  assert.equal(done, undefined);
  assert.ok(needs.some(({ get }) => get?.kind === 'opportunity' && get.id === '42'), JSON.stringify(needs));
});

test('the loop fetches what is needed, in rounds, and nothing is written', async () => {
  const rounds = [];
  const load = async (needs) => {
    rounds.push(needs);
    return needs.map(({ get }) => (get.kind === 'opportunity' ? deal : { ...get, absent: true }));
  };
  const { value, changes, reasons } = await decideWith('opportunities.advance', { id: '42', to: 'qualification' }, load, options);
  assert.equal(value.stage, 'qualification');
  const put = changes.puts.find(({ record }) => record.kind === 'opportunity');
  assert.equal(put.changed.stage, 'qualification');
  assert.deepEqual(put.expect, { version: 'lock-7' });
  assert.ok(reasons.some(({ code }) => code === 'stage_moved'));
  assert.ok(rounds.length > 0);
});

test('the loop gives the same as the operation on a repository', async () => {
  const store = new MemoryStore();
  const crm = new Crm({ repository: store, ...options });
  const { id } = await crm.opportunities.create({ name: 'Pump' });
  const load = (needs) => needs.flatMap((need) => {
    if (need.find) return [{ need: need.need, complete: true, records: store.find(need.find).map(fact) }];
    const [record] = store.get({ tenant: 'main', keys: [need.get] });
    return [record ? fact(record) : { ...need.get, absent: true }];
  });
  const fact = ({ kind, id: name, version, body }) => ({ kind, id: name, version, body });
  const decided = await decideWith('opportunities.win', { id }, load, options);
  const asked = [];
  const watched = { get: (need) => store.get(need), find: (need) => store.find(need), commit: (need) => { asked.push(need); return store.commit(need); }, events: (need) => store.events(need) };
  const value = await new Crm({ repository: watched, ...options }).opportunities.win({ id });
  assert.deepEqual(decided.value, value);
  assert.deepEqual(decided.changes.puts, asked[0].puts);
  assert.deepEqual(decided.changes.events, asked[0].events);
});

test('a loop that gets no further says so', async () => {
  await assert.rejects(decideWith('opportunities.advance', { id: '42', to: 'qualification' }, () => [], options), { code: 'invalid_facts', path: 'facts' });
  await assert.rejects(decideWith('opportunities.advance', { id: '42', to: 'qualification' }, () => Promise.reject(new Error('no database')), options), /no database/);
});

test('a refusal is thrown with its reasons', async () => {
  const load = (needs) => needs.map(({ get }) => (get.kind === 'opportunity' ? deal : { ...get, absent: true }));
  await assert.rejects(decideWith('opportunities.advance', { id: '42', to: 'nowhere' }, load, options), { kind: 'validation', code: 'unknown_stage' });
});

test('functions by kind give the facts', async () => {
  const loaders = { opportunity: async (id) => (id === '42' ? { body: deal.body, version: 7 } : null) };
  const { value, changes } = await decideWith('opportunities.advance', { id: '42', to: 'qualification' }, loaders, options);
  assert.equal(value.stage, 'qualification');
  assert.deepEqual(changes.puts[0].expect, { version: 7 });
  await assert.rejects(decideWith('opportunities.advance', { id: '43', to: 'qualification' }, loaders, options), { code: 'record_not_found' });
  await assert.rejects(decideWith('opportunities.get', { id: '42' }, {}, options), /the decision needs `opportunity`/);
  const users = { find: (need) => ({ need: need.need, complete: true, records: [] }) };
  assert.deepEqual((await decideWith('users.find', {}, users, options)).value.items, []);
});
