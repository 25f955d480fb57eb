import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Crm } from 'crm-core';
import { MemoryStore, later } from './store.mjs';

async function within(run) {
  const folder = mkdtempSync(join(tmpdir(), 'crm-'));
  try {
    return await run((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every version of a record is kept and proved where the history is on', () => within(async (at) => {
  const engines = [
    Crm.inMemory({ history: true }),
    await Crm.open(`sqlite:${at('deals.db')}`, { history: true }),
    new Crm({ repository: new MemoryStore(), history: true }),
    new Crm({ repository: later(new MemoryStore()), history: true }),
  ];
  for (const crm of engines) {
    assert.equal(crm.options.history, undefined);
    await crm.at({ now: '2026-01-01T09:00:00Z' }).accounts.create({ id: 'a1', name: 'Acme' });
    await crm.at({ now: '2026-01-08T09:00:00Z' }).accounts.update({ id: 'a1', name: 'Acme Ltd' });
    await crm.at({ now: '2026-01-15T09:00:00Z' }).accounts.update({ id: 'a1', name: 'Acme plc' });
    const of = { kind: 'account', id: 'a1' };
    const { items } = await crm.history.list(of);
    assert.deepEqual(items.map(({ record_version: version, previous }) => [version, previous]), [[1, ''], [2, items[0].hash], [3, items[1].hash]]);
    assert.equal((await crm.history.asOf({ ...of, at: '2026-01-10T00:00:00Z' })).body.name, 'Acme Ltd');
    assert.deepEqual(await crm.history.verify(of), { entries: 3 });
    crm.close();
  }
}));

test('without it nothing is kept', async () => {
  for (const crm of [Crm.inMemory(), new Crm({ repository: new MemoryStore() })]) {
    await crm.accounts.create({ id: 'a1', name: 'Acme' });
    assert.deepEqual(await crm.history.list({ kind: 'account', id: 'a1' }), { items: [] });
  }
});

test('a backup is verified, restored and never written over another file', () => within(async (at) => {
  const crm = await Crm.open(`sqlite:${at('deals.db')}`);
  await crm.users.create({ id: 'ada', name: 'Ada' });
  const held = await crm.backup(at('backup.db'));
  assert.deepEqual({ ...held, layout: undefined }, { records: 1, events: 1, layout: undefined });
  await crm.exportSnapshot(at('copy.db'));
  assert.ok(existsSync(at('copy.db')));
  await assert.rejects(crm.backup(at('backup.db')), { kind: 'storage' });
  await assert.rejects(Crm.restore(at('backup.db'), at('deals.db')), { kind: 'storage' });
  assert.deepEqual(await Crm.restore(at('backup.db'), at('restored.db')), held);
  writeFileSync(at('text.db'), 'no database'.repeat(100));
  await assert.rejects(Crm.restore(at('text.db'), at('other.db')), { code: 'storage_unavailable' });
  assert.ok(!existsSync(at('other.db')));
  const again = await Crm.open(at('restored.db'));
  assert.equal((await again.users.get({ id: 'ada' })).name, 'Ada');
  again.close();
  crm.close();
  await assert.rejects(crm.backup(at('late.db')), { code: 'unknown_engine' });
  for (const other of [Crm.inMemory(), new Crm({ repository: new MemoryStore() })]) {
    await assert.rejects(other.backup(at('late.db')), { code: 'unsupported_change' });
  }
}));
