// What callers get wrong, and what they are told.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Crm, CrmError, currencies, decideWith, money, quotes, render, renderTree } from 'crm-core';

function refusal(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof CrmError, String(error));
    return error;
  }
  return assert.fail('nothing was refused');
}

test('several mistakes have a line each', async () => {
  const error = refusal(() => quotes.price({ currency: 'USD', lines: [{ quantity: 2.5, unit_price: 1 }, { quantiy: 1 }] }));
  const [first, ...lines] = error.message.split('\n');
  assert.equal(first, 'mistakes in the request: 3, listed in `violations`; mend each');
  assert.deepEqual(lines, error.violations.map((each) => `  ${each.message}`));
  assert.deepEqual(error.violations.map(({ code, path, kind }) => `${kind} ${code} ${path}`), [
    'validation fractional_number lines[0].quantity',
    'validation unknown_field lines[1].quantiy',
    'validation missing_field lines[1].unit_price',
  ]);
  assert.equal(render(error), error.message);
  assert.match(render(error, 'zh'), /\n {2}`lines\[1\]\.quantiy`: 此处没有字段/);
  assert.match(error.stack, /did you mean `quantity`/);
  const crm = Crm.inMemory();
  await assert.rejects(crm.config.put({ config: { version: 1, pipelines: [{ id: 'sales', stages: [{ id: 'new' }] }] } }), (findings) => {
    assert.equal(findings.code, 'invalid_configuration');
    assert.match(findings.message, /\n {2}`config\.pipelines\[0\]\.stages`: the pipeline `sales` has no stage of kind `won`: add one\n/);
    assert.equal(findings.violations.length, 2);
    assert.match(render(findings, 'zh'), /^配置有 2 处错误.*\n {2}`config\.pipelines/);
    return true;
  });
  const one = refusal(() => quotes.price({ currency: 'USX', lines: [] }));
  assert.ok(one.violations.length >= 1 && one.violations.every((each) => each instanceof CrmError));
  crm.close();
});

test('lists in a message have backticks, as the engine writes them', () => {
  const error = refusal(() => money.round({ value: '1', increment: '0.05', mode: 'half' }));
  assert.match(error.message, /`floor`, `ceiling`, /);
  assert.equal(`\`mode\`: ${render(error)}`, error.message);
  assert.equal(render({ code: 'unknown_variant', details: { value: 'x', known: [], hint: 'h' } }), '`x` is not one of -: h');
});

test('a list of reasons is a tree too', () => {
  const { reasons } = quotes.price({ currency: 'USD', lines: [{ quantity: 1, unit_price: '5' }] }, { explain: 'full' });
  assert.equal(renderTree(reasons), reasons.map((each) => renderTree(each)).join('\n'));
  assert.match(renderTree([...reasons, ...reasons]), /^total 5\.00 USD[^]*\ntotal 5\.00 USD/);
  assert.equal(renderTree([]), '');
  assert.throws(() => renderTree(undefined), /ask for them with `explain: "full"`/);
  assert.throws(() => render(reasons), /`renderTree` takes a list/);
});

test('a text stands for the only field that must be given', async () => {
  assert.equal(currencies.get('JPY').minor_unit_digits, 0);
  const crm = Crm.inMemory();
  const { id } = await crm.opportunities.create({ name: 'Pump' });
  assert.equal((await crm.opportunities.get(id)).name, 'Pump');
  assert.equal((await crm.opportunities.win(id)).status, 'won');
  await assert.rejects(crm.opportunities.lose(id, 'price'), { code: 'wrong_type', message: /`\{ id: \.\., reason: \.\. \}`, found a string/ });
  await assert.rejects(crm.opportunities.find('open'), { code: 'wrong_type' });
  assert.equal(refusal(() => quotes.price('USD')).code, 'wrong_type');
  crm.close();
});

test('a closed engine is to be opened again', async () => {
  const crm = Crm.inMemory();
  crm.close();
  await assert.rejects(crm.users.find(), { code: 'unknown_engine', message: 'this engine is closed, or was opened elsewhere: open it again' });
});

test('a decision takes bare fields, and names the function that is missing', async () => {
  const move = ['opportunities.advance', { id: '42', to: 'qualification' }];
  const fields = { name: 'Pump', pipeline: 'sales', stage: 'prospecting', status: 'open' };
  const bare = await decideWith(...move, { opportunity: () => fields });
  assert.equal(bare.value.stage, 'qualification');
  assert.equal(bare.unguarded.length, 1);
  const fact = await decideWith(...move, { opportunity: (id) => ({ kind: 'opportunity', id, body: fields, version: 3 }) });
  assert.deepEqual(fact.changes.puts[0].expect, { version: 3 });
  await assert.rejects(decideWith(...move, { opportunity: (id) => ({ kind: 'opportunity', id, absent: true }) }), { code: 'record_not_found' });
  await assert.rejects(decideWith(...move, { opportunity: () => 42 }), /the function for `opportunity` gives its fields/);
  await assert.rejects(decideWith('users.find', {}, { user: () => null }), /a list of the kind `user`: give a function `find` from a need to/);
  await assert.rejects(decideWith('events.list', {}, {}), /needs events: give a function `events`/);
  await assert.rejects(decideWith('users.find', {}, { find: () => [] }), /the function for `find` gives/);
});
