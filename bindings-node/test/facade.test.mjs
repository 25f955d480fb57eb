import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { Crm, CrmError, addCatalogue, callJson, describe, hasCatalogue, isCrmError, quotes, render, renderTree } from 'crm-core';

const require = createRequire(import.meta.url);
const line = { quantity: '2', unit_price: '9.99' };
const usd = (...lines) => ({ currency: 'USD', lines });

function refusal(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof CrmError && error instanceof Error && isCrmError(error), String(error));
    return error;
  }
  return assert.fail('nothing was refused');
}

test('a quote is priced at once, without configuration', () => {
  const quote = quotes.price(usd(line));
  assert.equal(quote.total, '19.98');
  assert.equal(quote.reasons, undefined);
  const { value, reasons } = quotes.price(usd(line), { explain: 'full' });
  assert.deepEqual(value, quote);
  assert.equal(reasons[0].code, 'quote_total');
});

test('decimals are exact however they are given', () => {
  class Dec {
    constructor(text) {
      this.text = text;
    }
    toFixed(...digits) {
      assert.deepEqual(digits, [], 'no rounding is asked for');
      return this.text;
    }
    toJSON() {
      return Number(this.text);
    }
  }
  class Amount {
    toString() {
      return '0.30';
    }
  }
  const total = (unit_price) => quotes.price({ ...usd({ quantity: 1, unit_price }), rounding: { increment: '0.0001' } }).total;
  assert.equal(total('0.1'), '0.1000');
  assert.equal(total(new Dec('0.0001')), '0.0001');
  assert.equal(total(new Amount()), '0.3000');
  assert.equal(total(12n), '12.0000');
  assert.equal(total(9007199254740993n), '9007199254740993.0000');
  const request = Object.freeze(usd(Object.freeze({ quantity: new Dec('3'), unit_price: new Dec('0.1') })));
  assert.equal(quotes.price(request).total, '0.30', 'the caller\'s object is not changed');
  assert.ok(request.lines[0].quantity instanceof Dec);
});

test('what is not exact or not JSON is refused with its place', () => {
  const cases = [
    [0.1, 'fractional_number'],
    [NaN, 'invalid_decimal'],
    [Infinity, 'invalid_decimal'],
    [1e21, 'number_out_of_range'],
    [2 ** 53, 'number_out_of_range'],
    [new Number(0.5), 'fractional_number'],
    [() => 1, 'wrong_type'],
    [Symbol('x'), 'wrong_type'],
    [new Map(), 'wrong_type'],
    [new Date(NaN), 'invalid_instant'],
    [[undefined], 'wrong_type'],
    [true, 'wrong_type'],
  ];
  for (const [unit_price, code] of cases) {
    const error = refusal(() => quotes.price(usd(line, { quantity: 1, unit_price })));
    assert.equal(error.code, code, String(error));
    assert.equal(error.kind, 'validation');
    assert.ok(error.path.startsWith('lines[1].unit_price'), error.path);
  }
  const round = usd(line);
  round.lines.push(round);
  assert.equal(refusal(() => quotes.price(round)).code, 'wrong_type');
});

test('an error tells everything: kind, code, path, details, and reads well', () => {
  const error = refusal(() => quotes.price(usd({ quantity: 'two', unit_price: '9.99', colour: 'red' })));
  assert.equal(error.name, 'CrmError');
  assert.equal(error.code, 'invalid_request');
  assert.deepEqual(error.details.violations.map(({ code, path }) => `${code} ${path}`).sort(), [
    'invalid_decimal lines[0].quantity',
    'unknown_field lines[0].colour',
  ]);
  const one = refusal(() => quotes.price({ currency: 'USX', lines: [line] }));
  assert.match(one.message, /^`currency`: `USX` is not a currency of ISO 4217/);
  assert.equal(one.retryable, false);
  assert.match(one.stack, /facade\.test\.mjs/);
  assert.equal(isCrmError({ kind: 'validation', code: 'x' }), false);
  assert.equal(isCrmError(new Error('x')), false);
});

test('a misspelt option is refused with a suggestion', async () => {
  const error = refusal(() => quotes.price(usd(line), { explan: 'full' }));
  assert.deepEqual([error.code, error.path], ['unknown_field', 'explan']);
  assert.match(error.message, /`explain`/);
  await assert.rejects(Crm.inMemory().users.find({}, { tennant: 'x' }), { code: 'unknown_field' });
});

test('the engine in memory: context, versions, repeated requests, batches, close', async () => {
  const crm = Crm.inMemory({ actor: 'u1', now: '2026-01-31T09:00:00Z', seed: 'one' });
  const deal = await crm.opportunities.create({ name: 'Pump', amount: '1200.50', currency: 'USD' }, { idempotency_key: 'k' });
  const again = await crm.opportunities.create({ name: 'Pump', amount: '1200.50', currency: 'USD' }, { idempotency_key: 'k' });
  assert.deepEqual(again, deal);
  await assert.rejects(crm.opportunities.update({ id: deal.id, name: 'P' }, { expect_version: 7 }), { kind: 'conflict', code: 'version_ahead' });
  const later = crm.at({ now: new Date('2026-02-01T00:00:00Z'), actor: 'u2' });
  const moved = await later.opportunities.advance({ id: deal.id, to: 'qualification' });
  assert.equal(moved.history[1].actor, 'u2');
  assert.equal(moved.updated_at, '2026-02-01T00:00:00Z');
  assert.equal((await crm.at({ tenant: 'other' }).opportunities.find()).items.length, 0);
  assert.equal((await crm.priceBooks.find()).items.length, 0);

  const [user, found] = await crm.batch([
    { op: 'users.create', input: { id: 'ada', name: 'Ada' } },
    { op: 'users.get', input: { id: 'ada' } },
  ]);
  assert.deepEqual(found.value, user.value);
  await assert.rejects(crm.batch([{ op: 'users.create', input: { id: 'bob', name: 'Bob' } }, { op: 'users.get', input: { id: 'eve' } }]), { code: 'record_not_found' });
  await assert.rejects(crm.users.get({ id: 'bob' }), { code: 'record_not_found' });
  const apart = await crm.batch([{ op: 'users.create', input: { id: 'bob', name: 'Bob' } }, { op: 'users.get', input: { id: 'eve' } }], { atomic: false });
  assert.deepEqual(apart.map(({ ok }) => ok), [true, false]);

  crm.close();
  crm.close();
  later.close();
  await assert.rejects(crm.users.find(), { code: 'unknown_engine' });
  await assert.rejects(later.users.find(), { code: 'unknown_engine' });
});

test('handles are plain data: frozen, cloned, behind proxies', async () => {
  const crm = Crm.inMemory({ actor: 'u1' });
  assert.ok(Object.isFrozen(crm) && Object.isFrozen(crm.options));
  const data = structuredClone(crm);
  assert.deepEqual(data, { handle: crm.handle, options: { actor: 'u1' } });
  await Crm.from(data).users.create({ id: 'ada', name: 'Ada' });
  assert.equal((await Crm.from(JSON.parse(JSON.stringify(crm))).users.get({ id: 'ada' })).name, 'Ada');
  const proxy = new Proxy(crm, {});
  assert.equal((await proxy.users.get({ id: 'ada' })).name, 'Ada');
  assert.equal((await proxy.at({ actor: 'u2' }).users.get({ id: 'ada' })).name, 'Ada');
  proxy.close();
  await assert.rejects(crm.users.get({ id: 'ada' }), { code: 'unknown_engine' });
});

test('an SQLite file keeps what was committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'crm-'));
  try {
    const url = `sqlite:${join(folder, 'deals.db')}`;
    const crm = await Crm.open(url, { durability: 'process', actor: 'u1' });
    await Promise.all(Array.from({ length: 50 }, (_, n) => crm.users.create({ id: `u${n}`, name: `User ${n}` })));
    crm.close();
    const again = await Crm.open(url);
    assert.equal((await again.users.find({ limit: 1000 })).items.length, 50);
    again.close();
    await assert.rejects(Crm.open('mysql://here'), { kind: 'unsupported', code: 'unsupported_url' });
    const postgres = await Crm.open('postgres://crm:secret@localhost/deals').catch((thrown) => thrown);
    assert.match(postgres.message, /crm-core\/stores\/pg/);
    assert.doesNotMatch(JSON.stringify([postgres.message, postgres.details]), /secret/);
    await assert.rejects(Crm.open(url, { busy_timeout: -1 }), { code: 'number_out_of_range', path: 'busy_timeout' });
    await assert.rejects(Crm.open(url, { durability: 'strong' }), { code: 'unknown_variant', path: 'durability' });
    await assert.rejects(Crm.open(`sqlite:${join(folder, 'none', 'deals.db')}`), { kind: 'storage', code: 'storage_unavailable' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('hints and words for values are in the language of the sentence', async () => {
  const hint = { code: 'did_you_mean', params: { near: 'quantity' } };
  const unknown = { code: 'unknown_field', params: { field: 'quantiy', hint } };
  assert.equal(render(unknown, 'zh'), '此处没有字段 `quantiy`：您是否想写 `quantity`？');
  assert.equal(render(unknown), 'there is no field `quantiy` here: did you mean `quantity`?');
  assert.equal(render({ code: 'record_created', params: { kind: 'user', id: 'u1' } }, 'zh'), '创建了 用户 `u1`');
  const crm = Crm.inMemory({ now: '2026-01-31T09:00:00Z', seed: 'hints' });
  const error = await crm.accounts.get({ id: 'a1', nam: 'x' }).catch((refused) => refused);
  assert.match(render(error, 'zh'), /请删除/);
});

test('reasons and errors are rendered from catalogues', () => {
  const { reasons } = quotes.price(usd({ ...line, discount_percent: '10' }), { explain: 'full' });
  assert.equal(render(reasons[0]), 'total 17.98 USD: 17.98 net and 0.00 tax');
  assert.match(render(reasons[0], 'zh-CN'), /^总计 17\.98 USD/);
  const tree = renderTree(reasons[0], 'en').split('\n');
  assert.ok(tree.length > 3 && tree.some((text) => text.startsWith('  ')), tree.join('\n'));
  const error = refusal(() => quotes.price(usd()));
  assert.equal(render(error), error.message.replace(/^`lines`: /, ''));
  assert.match(render(error, 'zh'), /报价/);
  assert.throws(() => render(error, 'fr'), /no catalogue for `fr`/);
  assert.equal(hasCatalogue('fr'), false);
  addCatalogue('fr', { quote_without_lines: 'un devis sans ligne' });
  assert.equal(render(error, 'fr'), 'un devis sans ligne');
  assert.equal(render({ code: 'unheard_of', params: {} }), 'unheard_of');
});

test('CommonJS and ES modules share one copy, and the build describes itself', async () => {
  const common = require('crm-core');
  const module = await import('crm-core');
  assert.equal(common.Crm, module.Crm);
  assert.equal(common.CrmError, CrmError);
  assert.deepEqual(Object.keys(common).sort(), Object.keys(module).filter((name) => !['default', 'module.exports'].includes(name)).sort());
  const description = describe();
  assert.equal(description.version, require('crm-core/package.json').version);
  assert.ok(description.operations.some(({ name, effect }) => name === 'opportunities.advance' && effect === 'write'));
  for (const locale of ['en', 'zh']) assert.equal(typeof require(`crm-core/catalogue/${locale}.json`).quote_total, 'string');
  assert.equal(JSON.parse(callJson('{"op":"quotes.price","input":{"currency":"USD","lines":[{"quantity":2,"unit_price":"0.1"}]}}')).value.total, '0.20');
});

test('every operation of the build is a method, and no other is', () => {
  const crm = Crm.inMemory();
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const expected = describe().operations.map(({ name }) => name.split('.').map(camel).join('.')).sort();
  const areas = Object.keys(Object.getOwnPropertyDescriptors(Crm.prototype)).filter((name) => Object.getOwnPropertyDescriptor(Crm.prototype, name).get);
  const found = areas.flatMap((area) => Object.getOwnPropertyNames(Object.getPrototypeOf(crm[area])).filter((name) => name !== 'constructor').map((name) => `${area}.${name}`));
  assert.deepEqual(found.sort(), expected.filter((name) => name !== 'batch'));
  crm.close();
});

test('the bindings\' own Rust is short and names no operation', async () => {
  const { readFileSync } = await import('node:fs');
  for (const file of ['../src/lib.rs', '../../bindings-wasm/src/lib.rs']) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    assert.ok(source.split('\n').length <= 150, file);
    for (const { name } of describe().operations) assert.ok(!source.includes(`"${name}`) && (name === 'batch' || !source.includes(name)), `${file} names ${name}`);
  }
});
