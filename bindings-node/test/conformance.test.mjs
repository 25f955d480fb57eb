import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import Database from 'better-sqlite3';
import { Crm, CrmError, conformance, createTables, tables } from 'crm-core';
import { BetterSqlite3Store } from 'crm-core/stores/better-sqlite3';

import { MemoryStore, later } from './store.mjs';

const parts = ['claims_are_unique', 'counters_keep_limits', 'numbers_have_no_gaps', 'timers_fire_once'];
const folder = mkdtempSync(join(tmpdir(), 'crm-conformance-'));
let made = 0;

async function host() {
  made += 1;
  const database = new Database(join(folder, `${made}.db`));
  database.exec('CREATE TABLE orders(id text PRIMARY KEY)');
  await createTables(new BetterSqlite3Store(database, { transactions: 'own' }));
  return database;
}

const counts = (database) => database.prepare('SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM crm_record)').raw().get();

test('maps keep every promise, with values and with Promises', async () => {
  const { ran } = await conformance(new MemoryStore());
  assert.ok(parts.every((check) => ran.includes(check)) && !ran.includes('bodies_keep_their_text'));
  assert.deepEqual((await conformance(later(new MemoryStore()))).ran, ran);
});

test('what is not executed is refused', async () => {
  const { ran } = await conformance(Object.assign(new MemoryStore(), { executes: [] }));
  assert.ok(ran.length > 5 && !parts.some((check) => ran.includes(check)));
});

test('a broken promise is told', async () => {
  class Forgetful extends MemoryStore {
    commit(changes) {
      return super.commit({ ...changes, requires: [] });
    }
  }
  await assert.rejects(conformance(new Forgetful()), (error) => {
    assert.match(error.message, /^promises that are not kept: 1\n {2}`expectations_are_kept`: /);
    return error.report.ran.length > 10;
  });
});

test('a database of better-sqlite3 keeps every promise, with its own transactions and in the host\'s', async () => {
  for (const transactions of ['own', 'host']) {
    const database = await host();
    if (transactions === 'host') database.exec('BEGIN');
    const { ran } = await conformance(new BetterSqlite3Store(database, { transactions }));
    assert.ok([...parts, 'bodies_keep_their_text'].every((check) => ran.includes(check)));
    assert.equal(database.inTransaction, transactions === 'host');
    if (transactions === 'host') {
      database.exec('ROLLBACK');
      assert.deepEqual(counts(database), [0, 0]);
    }
  }
});

test('a host row and an operation stay or go together', async () => {
  const database = await host();
  const crm = new Crm({ repository: new BetterSqlite3Store(database), actor: 'u1' });
  const both = async () => {
    database.exec("BEGIN; INSERT INTO orders VALUES ('7')");
    await crm.accounts.create({ id: 'a1', name: 'Steel' });
    assert.deepEqual(counts(database), [1, 1]);
  };
  await both();
  database.exec('ROLLBACK');
  assert.deepEqual(counts(database), [0, 0]);
  await both();
  database.exec('COMMIT');
  assert.deepEqual(counts(database), [1, 1]);
});

test('a swallowed refusal leaves nothing half done', async () => {
  const database = await host();
  const crm = new Crm({ repository: new BetterSqlite3Store(database), actor: 'u1' });
  database.exec('BEGIN');
  await crm.accounts.create({ id: 'a1', name: 'Steel' });
  const batch = [{ op: 'accounts.create', input: { id: 'a2', name: 'Iron' } }, { op: 'accounts.create', input: { id: 'a1', name: 'Two' } }];
  await assert.rejects(crm.batch(batch), { code: 'record_exists' });
  database.exec('COMMIT');
  assert.deepEqual(database.prepare('SELECT id FROM crm_record').pluck().all(), ['a1']);
});

test('without a transaction it is refused', async () => {
  const crm = new Crm({ repository: new BetterSqlite3Store(await host()) });
  for (const running of [crm.accounts.create({ name: 'Steel' }), crm.accounts.find()]) {
    await assert.rejects(running, (error) => error instanceof CrmError && error.code === 'outside_transaction' && /begin one/.test(error.message));
  }
});

test('a lock is told as one', async () => {
  const database = await host();
  const crm = new Crm({ repository: new BetterSqlite3Store(database, { transactions: 'own' }) });
  database.pragma('busy_timeout = 20');
  const other = new Database(database.name);
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(crm.accounts.create({ name: 'Steel' }), { code: 'storage_locked', retryable: true });
  other.exec('ROLLBACK');
  assert.equal((await crm.accounts.create({ name: 'Steel' })).name, 'Steel');
});

test('the tables as statements; the common form', async () => {
  assert.ok(tables('postgres').some((text) => text.includes('bytea')));
  assert.ok(tables('sqlite').length > tables('sqlite', (await createTables(new BetterSqlite3Store(await host(), { transactions: 'own' }))).layout).length);
  assert.throws(() => tables('oracle'), { code: 'unknown_variant' });
  const common = createRequire(import.meta.url)('crm-core/stores/better-sqlite3');
  assert.equal(new common.BetterSqlite3Store(await host()).sql, 'sqlite');
});
