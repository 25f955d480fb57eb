import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Crm, conformance, createTables } from 'crm-core';
import { PgStore } from 'crm-core/stores/pg';
import pg from 'pg';

const connectionString = process.env.CRM_POSTGRES_URL;
const missing = connectionString === undefined && !process.env.CI;
const skip = missing && 'no PostgreSQL: run `cargo xtask test --only node`, or set `CRM_POSTGRES_URL`';
const schema = `crm_${process.pid}_${Date.now()}`;
let pool;

before(async () => {
  if (skip) return;
  assert.ok(connectionString, '`CRM_POSTGRES_URL` is not set');
  pool = new pg.Pool({ connectionString, options: `-csearch_path=${schema}` });
  await pool.query(`CREATE SCHEMA ${schema}`);
  await pool.query('CREATE TABLE orders(id text PRIMARY KEY)');
  await createTables(new PgStore(pool));
});
after(async () => {
  if (skip) return;
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

async function counts() {
  const { rows } = await pool.query({ text: "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM crm_record WHERE tenant = 'main')", rowMode: 'array' });
  return rows[0].map(Number);
}

test('a pool keeps every promise', { skip }, async () => {
  const { ran } = await conformance(new PgStore(pool));
  assert.ok(ran.length >= 15, `${ran.length} checks`);
  assert.equal(pool.idleCount, pool.totalCount);
});

test('a host row and an operation stay or go together', { skip }, async () => {
  for (const [end, wanted] of [['ROLLBACK', [0, 0]], ['COMMIT', [1, 1]]]) {
    const client = await pool.connect();
    const crm = new Crm({ repository: new PgStore(client), actor: 'u1' });
    await client.query('BEGIN');
    await client.query("INSERT INTO orders VALUES ('7')");
    await crm.accounts.create({ id: 'a1', name: 'Steel' });
    assert.equal((await crm.accounts.get('a1')).name, 'Steel');
    await client.query(end);
    client.release();
    assert.deepEqual(await counts(), wanted);
  }
});

test('a swallowed refusal leaves nothing half done, and the transaction goes on', { skip }, async () => {
  const client = await pool.connect();
  const crm = new Crm({ repository: new PgStore(client), actor: 'u1' });
  await client.query('BEGIN');
  const batch = [{ op: 'accounts.create', input: { id: 'b2', name: 'Iron' } }, { op: 'accounts.create', input: { id: 'a1', name: 'Two' } }];
  await assert.rejects(crm.batch(batch), { code: 'record_exists' });
  await crm.accounts.create({ id: 'b3', name: 'Tin' });
  await client.query('COMMIT');
  client.release();
  const { rows } = await pool.query("SELECT id FROM crm_record WHERE tenant = 'main' ORDER BY id");
  assert.deepEqual(rows.map(({ id }) => id), ['a1', 'b3']);
});

test('operations that run at once on one client take turns', { skip }, async () => {
  const client = await pool.connect();
  const crm = new Crm({ repository: new PgStore(client), actor: 'u1' });
  await client.query('BEGIN');
  const ended = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => crm.accounts.create({ id: `c${n % 15}`, name: 'A' })));
  await client.query('COMMIT');
  client.release();
  assert.equal(ended.filter(({ status }) => status === 'fulfilled').length, 15);
  const { rows } = await pool.query("SELECT count(*) FROM crm_record WHERE id LIKE 'c%' AND tenant = 'main'");
  assert.equal(Number(rows[0].count), 15);
});

test('without a transaction it is refused to write', { skip }, async () => {
  const client = await pool.connect();
  await assert.rejects(new Crm({ repository: new PgStore(client) }).accounts.create({ name: 'Steel' }), { code: 'outside_transaction' });
  client.release();
});
