import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { counts, vectorFiles } from '../../bindings-node/test/files.mjs';
import { openPage, serve } from './browser.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await openPage();
  await browser.page.goto(`${server.address}/empty.html`);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

// Runs in the page: every file of vectors over a build's own functions.
async function runAll({ build, paths, small }) {
  const glue = await import(`/bindings-wasm/pkg/${build}/web/bindings_wasm.js`);
  const { runFile } = await import('/bindings-node/test/vectors.mjs');
  await glue.default();
  let steps = 0;
  const failures = [];
  for (const path of paths) {
    const file = await (await fetch(`/tests/vectors/${path}`)).json();
    const ended = await runFile(glue, path, file, { small });
    steps += ended.steps;
    failures.push(...ended.failures);
  }
  return { steps, failures };
}

const paths = vectorFiles().map(({ path }) => path);

test('in the browser the build `full` gives every golden vector\'s answer, byte for byte', async () => {
  const { steps, failures } = await browser.page.evaluate(runAll, { build: 'full', paths, small: false });
  assert.deepEqual(failures, []);
  assert.equal(steps, counts().steps);
});

test('in the browser the build `price` gives the answers of its operations, byte for byte', async () => {
  const { steps, failures } = await browser.page.evaluate(runAll, { build: 'price', paths, small: true });
  assert.deepEqual(failures, []);
  assert.ok(steps >= 20, `${steps} steps are for this build`);
});

test('a façade says when it is not loaded, loads by itself, and then computes at once', async () => {
  const seen = await browser.page.evaluate(async () => {
    const { init, quotes } = await import('/bindings-wasm/web/price.mjs');
    const usd = { currency: 'USD', lines: [{ quantity: 2, unit_price: '9.99', tax_percent: '20' }] };
    const early = [];
    for (let n = 0; n < 2; n += 1) {
      try {
        quotes.price(usd);
      } catch (error) {
        early.push(error.message);
      }
    }
    await Promise.all([init(), init()]);
    return { early, total: quotes.price(usd).total };
  });
  const message = 'the module is not loaded: `await init()` first';
  assert.deepEqual(seen, { early: [message, message], total: '23.98' });
});

test('an engine in memory and a repository of Promises work in the page', async () => {
  const seen = await browser.page.evaluate(async () => {
    const { Crm, init, quotes, addCatalogue, render, isCrmError } = await import('/bindings-wasm/web/full.mjs');
    await init();
    addCatalogue('zh', await (await fetch('/bindings-wasm/catalogue/zh.json')).json());
    const usd = { currency: 'USD', lines: [{ quantity: 2, unit_price: '9.99', tax_percent: '20' }] };
    const { value, reasons } = quotes.price(usd, { explain: 'full' });
    const crm = Crm.inMemory({ actor: 'u1' });
    const deal = await crm.opportunities.create({ name: 'Pump' });
    const moved = await crm.opportunities.advance({ id: deal.id, to: 'qualification' });
    const refused = await new Crm({ repository: { get: async () => { throw new Error('gone'); }, find() {}, commit() {}, events() {} } }).users.get({ id: 'x' }).catch((error) => isCrmError(error) && error.code);
    return { total: value.total, reason: render(reasons[0], 'zh').slice(0, 2), stage: moved.stage, refused };
  });
  assert.deepEqual(seen, { total: '23.98', reason: '总计', stage: 'qualification', refused: 'storage_failed' });
  assert.deepEqual(browser.complaints, []);
});

test('a store in IndexedDB keeps every promise, and its records outlive the page', async () => {
  const { ran } = await browser.page.evaluate(async () => {
    const { conformance, init } = await import('/bindings-wasm/web/check.mjs');
    const { openIndexedDb } = await import('/bindings-wasm/stores/indexeddb.mjs');
    await init();
    return conformance(await openIndexedDb('conformance'));
  });
  for (const check of ['claims_are_unique', 'counters_keep_limits', 'numbers_have_no_gaps', 'timers_fire_once']) assert.ok(ran.includes(check));
  const work = async () => {
    const { Crm, init } = await import('/bindings-wasm/web/full.mjs');
    const { openIndexedDb } = await import('/bindings-wasm/stores/indexeddb.mjs');
    await init();
    const store = await openIndexedDb('deals');
    const crm = new Crm({ repository: store, actor: 'u1' });
    const before = (await crm.accounts.find()).items.length;
    const ended = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => crm.accounts.create({ id: `${before}.${n % 15}`, name: 'Steel' })));
    store.close();
    return [before, ended.filter(({ status }) => status === 'fulfilled').length];
  };
  assert.deepEqual(await browser.page.evaluate(work), [0, 15]);
  await browser.page.reload();
  assert.deepEqual(await browser.page.evaluate(work), [15, 15]);
  assert.deepEqual(browser.complaints, []);
});
