import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import Database from 'better-sqlite3';
import { Crm, createTables, createViews, views } from 'crm-core';
import { BetterSqlite3Store } from 'crm-core/stores/better-sqlite3';
import { PgStore } from 'crm-core/stores/pg';
import pg from 'pg';

const connectionString = process.env.CRM_POSTGRES_URL;
const missing = connectionString === undefined && !process.env.CI;
const skip = missing && 'no PostgreSQL: run `cargo xtask test --only node`, or set `CRM_POSTGRES_URL`';
const schema = `crm_hosted_${process.pid}_${Date.now()}`;
const folder = mkdtempSync(join(tmpdir(), 'crm-hosted-'));
let pool;
let made = 0;

const tables = {
  account: {
    table: 'customers',
    id: { column: 'id', type: 'int8' },
    version: 'lock_version',
    writable: true,
    fields: { name: 'company_name', owner: { column: 'rep_id', type: 'int8' } },
  },
  user: { table: 'staff', id: { column: 'id', type: 'int8' }, fields: { name: 'full_name' } },
};
const host = [
  'CREATE TABLE customers(id bigint PRIMARY KEY, company_name text NOT NULL, rep_id bigint, lock_version int NOT NULL DEFAULT 0)',
  'CREATE TABLE staff(id bigint PRIMARY KEY, full_name text NOT NULL)',
  "INSERT INTO staff VALUES (17, 'Ada'), (18, 'Grace')",
  `INSERT INTO customers(id, company_name, rep_id) SELECT i, 'Customer ' || (50001 - i), 17 + i - 2 * (i / 2)
   FROM (WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n) AS r`,
].join('; ');

before(async () => {
  if (skip) return;
  assert.ok(connectionString, '`CRM_POSTGRES_URL` is not set');
  pool = new pg.Pool({ connectionString, options: `-csearch_path=${schema}` });
  await pool.query(`CREATE SCHEMA ${schema}; ${host}`);
  await createTables(new PgStore(pool, { tables }));
});
after(async () => {
  if (skip) return;
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

// Each database as a store in the host's transaction, a way to run the host's own statements there, and a way to end it.
async function sqlite() {
  made += 1;
  const database = new Database(join(folder, `${made}.db`));
  database.exec(host);
  await createTables(new BetterSqlite3Store(database, { transactions: 'own', tables }));
  return {
    store: new BetterSqlite3Store(database, { tables }),
    run: async (text) => database.exec(text),
    one: async (text) => Number(database.prepare(text).pluck().get()),
    close: () => database.close(),
  };
}

async function postgres() {
  const client = await pool.connect();
  return {
    store: new PgStore(client, { tables }),
    run: (text) => client.query(text),
    one: async (text) => Number((await client.query({ text, rowMode: 'array' })).rows[0][0]),
    close: () => client.release(),
  };
}

for (const [name, open, left] of [['better-sqlite3', sqlite, false], ['pg', postgres, skip]]) {
  test(`50,000 customers and two users of the host's serve without a copy: ${name}`, { skip: left }, async () => {
    const { store, run, one, close } = await open();
    const crm = new Crm({ repository: store, actor: '17' });
    await run('BEGIN');
    const deal = await crm.opportunities.create({ name: 'Beams', account: '4711', owner: '17' });
    await crm.opportunities.advance({ id: deal.id, to: 'qualification' });
    assert.deepEqual((await crm.opportunities.find({ owner: '17' })).items.map((each) => each.name), ['Beams']);
    assert.equal((await crm.accounts.get('4711')).name, 'Customer 45290');
    const page = await crm.accounts.find({ limit: 3 });
    assert.deepEqual(page.items.map((each) => each.name), ['Customer 1', 'Customer 10', 'Customer 100']);
    const next = await crm.accounts.find({ limit: 1, cursor: page.cursor });
    assert.equal(next.items[0].name, 'Customer 1000');
    await run('COMMIT');
    assert.equal(await one("SELECT count(*) FROM crm_record WHERE kind IN ('account', 'user')"), 0);
    assert.equal(await one("SELECT count(*) FROM crm_record WHERE kind = 'opportunity'"), 1);
    close();
  });

  test(`a host row and an operation stay or go together: ${name}`, { skip: left }, async () => {
    const { store, run, one, close } = await open();
    const crm = new Crm({ repository: store, actor: '17' });
    for (const [end, wanted] of [['ROLLBACK', 0], ['COMMIT', 11]]) {
      await run("BEGIN; INSERT INTO customers(id, company_name) VALUES (60000, 'New')");
      await crm.opportunities.create({ id: 'first', name: 'First', account: '60000' });
      assert.equal((await crm.accounts.update({ id: '60000', owner: '18' })).version, 1);
      await run(end);
      const both = "SELECT (SELECT count(*) FROM customers WHERE id = 60000 AND rep_id = 18 AND lock_version = 1) * 10 + (SELECT count(*) FROM crm_record WHERE id = 'first')";
      assert.equal(await one(both), wanted);
    }
    close();
  });

  test(`a customer that goes between decision and commit is refused: ${name}`, { skip: left }, async () => {
    const { store, run, one, close } = await open();
    const quicker = {
      sql: store.sql,
      in_transaction: true,
      tables,
      async execute(need) {
        if (need.write) await run('DELETE FROM customers WHERE id = 4712');
        return store.execute(need);
      },
    };
    await run('BEGIN');
    const running = new Crm({ repository: quicker, actor: '17' }).opportunities.create({ id: 'gone', name: 'Rails', account: '4712' });
    await assert.rejects(running, { code: 'version_conflict', details: { kind: 'account', id: '4712' } });
    await run('COMMIT');
    assert.equal(await one("SELECT count(*) FROM crm_record WHERE id = 'gone'"), 0);
    close();
  });

  test(`what cannot be written is refused: ${name}`, { skip: left }, async () => {
    const { store, run, close } = await open();
    const crm = new Crm({ repository: store, actor: '17' });
    await run('BEGIN');
    await assert.rejects(crm.users.update({ id: '17', name: 'Eve' }), { code: 'kind_read_only' });
    await assert.rejects(crm.accounts.create({ name: 'Tin' }), { code: 'id_not_possible', path: 'id' });
    await assert.rejects(crm.accounts.create({ id: '60001', name: 'Tin', phone: '1' }), { code: 'field_not_mapped', path: 'phone' });
    await assert.rejects(crm.accounts.get('abc'), { code: 'record_not_found' });
    await run('ROLLBACK');
    close();
  });

  test(`views for plain SQL: ${name}`, { skip: left }, async () => {
    const { store, run, one, close } = await open();
    await run('BEGIN');
    await new Crm({ repository: store, actor: '17' }).opportunities.create({ name: 'Beams', owner: '18', amount: '12.5', currency: 'EUR' });
    const { made: names, kept } = await createViews(store);
    assert.ok(names.includes('crm_opportunities') && !names.includes('crm_accounts') && kept.length === 0);
    assert.deepEqual((await createViews(store)).made, []);
    assert.equal(await one("SELECT sum(amount) FROM crm_opportunities WHERE owner = '18'"), 12.5);
    await run('ROLLBACK');
    assert.ok(views(store.sql).some((text) => text.startsWith('CREATE VIEW crm_opportunities AS SELECT')));
    close();
  });
}

test('a wrong mapping is refused at once, when the engine is made', async () => {
  const database = new Database(':memory:');
  const wrong = { acount: tables.account, user: { table: 'staff', id: 'id', fields: { nmae: 'full_name' } } };
  assert.throws(() => new Crm({ repository: new BetterSqlite3Store(database, { tables: wrong }) }), (error) => {
    assert.equal(error.code, 'invalid_request');
    assert.deepEqual(error.violations.map(({ path }) => path), ['store.tables.acount', 'store.tables.user.fields.nmae', 'store.tables.user.fields.name']);
    return true;
  });
  const store = new BetterSqlite3Store(database, { transactions: 'own', tables });
  await assert.rejects(createTables(store), { code: 'storage_failed', message: /no such table: customers/ });
});
