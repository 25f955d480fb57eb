import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Crm, CrmError, conformance, createTables, decideWith, describe, init, isCrmError, quotes, render, tables } from 'crm-core-wasm';
import * as check from 'crm-core-wasm/check';
import * as price from 'crm-core-wasm/price';
import { MemoryStore, later } from '../../bindings-node/test/store.mjs';

const require = createRequire(import.meta.url);
const usd = { currency: 'USD', lines: [{ quantity: '2', unit_price: '9.99' }] };
const options = { actor: 'u1', now: '2026-01-31T09:00:00Z', seed: 'wasm' };

test('both builds price a quote at once', async () => {
  await init();
  assert.deepEqual(price.quotes.price(usd), quotes.price(usd));
  assert.equal(price.quotes.price(usd).total, '19.98');
  assert.throws(() => price.quotes.price({ currency: 'USD', lines: [] }), (error) => price.isCrmError(error) && isCrmError(error) && error.code === 'quote_without_lines');
  assert.match(render(quotes.price(usd, { explain: 'full' }).reasons[0], 'zh'), /总计/);
});

test('the small build has its operations alone and says where the others are', () => {
  assert.equal(price.Crm, undefined);
  assert.equal(price.config, undefined);
  assert.deepEqual(price.describe().operations.map(({ name }) => name.split('.')[0]).filter((area, place, all) => all.indexOf(area) === place), ['money', 'currencies', 'quotes']);
  const { error } = JSON.parse(price.callJson('{"op":"opportunities.find"}'));
  assert.equal(error.code, 'not_in_this_build');
  assert.ok(describe().operations.length > price.describe().operations.length);
});

test('what tests and SQL need is in a build of its own, which the others name', async () => {
  const elsewhere = (error) => error.code === 'not_in_this_build' && /load the `check` build/.test(error.message);
  const sql = { sql: 'sqlite', execute: () => assert.fail('nothing may be asked') };
  await assert.rejects(conformance(new MemoryStore()), elsewhere);
  await assert.rejects(createTables(sql), elsewhere);
  await assert.rejects(new Crm({ repository: sql, ...options }).users.get({ id: 'ada' }), elsewhere);
  assert.throws(() => tables('sqlite'), elsewhere);
  assert.ok((await check.conformance(new MemoryStore())).ran.length > 10);
  assert.match(check.tables('postgres')[0], /CREATE TABLE/);
  assert.deepEqual(check.describe(), describe());
});

test('engines in memory and over a repository of the caller\'s', async () => {
  const ends = [];
  for (const crm of [Crm.inMemory(options), new Crm({ repository: new MemoryStore(), ...options }), new Crm({ repository: later(new MemoryStore()), ...options })]) {
    const deal = await crm.opportunities.create({ name: 'Pump' });
    const moved = await crm.opportunities.advance({ id: deal.id, to: 'qualification' });
    ends.push({ moved, events: (await crm.events.list()).items });
    crm.close();
    crm.close();
    await assert.rejects(crm.events.list(), { code: 'unknown_engine' });
  }
  assert.deepEqual(ends[0], ends[1]);
  assert.deepEqual(ends[1], ends[2]);
  await assert.rejects(Crm.open('sqlite:deals.db'), { code: 'unsupported_url' });
});

test('the decide loop', async () => {
  const { value } = await decideWith('users.update', { id: 'u1', name: 'Ada L.' }, (needs) => needs.map(({ get }) => (get.kind === 'user' ? { ...get, body: { name: 'Ada' } } : { ...get, absent: true })), options);
  assert.equal(value.name, 'Ada L.');
});

test('CommonJS shares the copy', () => {
  assert.equal(require('crm-core-wasm').CrmError, CrmError);
  assert.equal(require('crm-core-wasm/price').quotes, price.quotes);
});

test('every file that the package names is there', () => {
  const { exports } = require('crm-core-wasm/package.json');
  const files = JSON.stringify(exports).match(/(?<=":")\.\/[^"*]+\.(?:mjs|cjs|wasm|mts|ts)/g);
  assert.ok(files.length > 10);
  for (const file of files) assert.ok(readFileSync(new URL(`../${file.slice(2)}`, import.meta.url)).length > 0, file);
});

test('the bundler\'s build works where modules are loaded as modules', () => {
  // Node loads WebAssembly as a module behind a flag, as bundlers do; its package must say that `.js` is a module.
  const folder = mkdtempSync(join(tmpdir(), 'crm-bundler-'));
  try {
    for (const part of ['bundler', 'lib', 'pkg/price/bundler', 'pkg/full/bundler']) cpSync(new URL(`../${part}`, import.meta.url), join(folder, part), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'main.mjs'), `
      import { quotes } from './bundler/price.mjs';
      import { Crm, quotes as same } from './bundler/full.mjs';
      const usd = ${JSON.stringify(usd)};
      const user = await Crm.inMemory().users.create({ name: 'Ada' });
      console.log(quotes.price(usd).total, same.price(usd).total, user.name);`);
    const run = spawnSync(process.execPath, ['--experimental-wasm-modules', '--no-warnings', join(folder, 'main.mjs')], { encoding: 'utf8' });
    assert.equal(run.stdout, '19.98 19.98 Ada\n', run.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
