'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');

const { Crm, CrmError, quotes } = require('crm-core');

test('the package works from CommonJS', async () => {
  assert.equal(quotes.price({ currency: 'JPY', lines: [{ quantity: 3, unit_price: '100' }] }).total, '300');
  assert.throws(() => quotes.price({ currency: 'USD', lines: [] }), CrmError);
  const crm = Crm.inMemory();
  assert.equal((await crm.users.create({ id: 'u1', name: 'Ada' })).name, 'Ada');
  crm.close();
});
