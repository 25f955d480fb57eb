import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';

import { openDatabase } from './database.mjs';
import { moveDeal } from './move.mjs';
import { serverOf } from './server.mjs';

let db;
let server;
before(async () => {
  db = await openDatabase(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
  db.run('INSERT INTO deals (id, title, value) VALUES (7, ?, ?), (8, ?, NULL)', ['Pump', '1200.50', 'Valve']);
  server = serverOf(db).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
after(() => server.close());

async function move(id, to) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/deals/${id}/move`, { method: 'POST', headers: { 'x-user': 'ada' }, body: JSON.stringify({ to }) });
  return { status: response.status, body: await response.json() };
}

test('a move is decided on the row and written to the app\'s tables', async () => {
  const { status, body } = await move(7, 'offer');
  assert.deepEqual([status, body.stage, body.amount], [200, 'offer', '1200.50']);
  const [row] = db.all('SELECT stage, status, lock_version FROM deals WHERE id = 7');
  assert.deepEqual(row, { stage: 'offer', status: 'open', lock_version: 2 });
  assert.deepEqual(db.all('SELECT stage, actor FROM deal_moves'), [{ stage: 'offer', actor: 'ada' }]);
  assert.equal(db.all('SELECT kind FROM outbox').length, 1);
});

test('a refusal says what is missing, and nothing is written', async () => {
  const { status, body } = await move(8, 'offer');
  assert.equal(status, 422);
  assert.equal(body.code, 'requirements_not_met');
  assert.match(body.message, /amount/);
  assert.equal((await move(9, 'offer')).status, 404);
  const misspelt = await move(7, 'ofer');
  assert.deepEqual([misspelt.status, misspelt.body.code], [400, 'unknown_stage']);
  assert.match(misspelt.body.message, /`offer`/);
  assert.equal(db.all('SELECT * FROM deal_moves').length, 1);
});

test('two moves of one deal at once: the second finds the row changed and writes nothing', async () => {
  db.run("INSERT INTO deals (id, title, value) VALUES (10, 'Tank', '9')");
  const ended = await Promise.allSettled([moveDeal(db, '10', 'offer', 'ada'), moveDeal(db, '10', 'offer', 'bob')]);
  assert.deepEqual(ended.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(db.all('SELECT * FROM deal_moves WHERE deal_id = 10').length, 1);
});

test('the move is short', () => {
  const source = readFileSync(new URL('move.mjs', import.meta.url), 'utf8');
  const body = source.slice(source.indexOf('export async function moveDeal')).trimEnd().split('\n');
  assert.ok(body.length <= 25, `${body.length} lines`);
});
