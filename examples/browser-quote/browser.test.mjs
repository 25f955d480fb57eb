import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import test, { after, before } from 'node:test';

import { openPage, serve } from '../../bindings-wasm/test/browser.mjs';

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await openPage({ viewport: { width: 1200, height: 1000 } });
  await browser.page.goto(`${server.address}/examples/browser-quote/index.html`);
  await browser.page.waitForSelector('body[data-ready]');
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const total = () => browser.page.textContent('#total');
const field = (line, name) => browser.page.locator('.line').nth(line).locator(`[data-field="${name}"]`);

// `CRM_SCREENSHOTS=folder` keeps pictures to look at.
async function picture(name) {
  const folder = process.env.CRM_SCREENSHOTS;
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await browser.page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

const output = (line) => browser.page.locator('.line output').nth(line).textContent();
const text = (selector) => browser.page.textContent(selector);

test('the sample is priced when the page opens', async () => {
  // By hand: 2,249.82 + 546.00 + 59.97 = 2,855.79; 5 % is 142.79; tax 427.47 + 103.74 + 2.85.
  assert.equal(await total(), '3247.06 USD');
  assert.match(await text('#totals'), /List price3105\.77Line discounts−249\.98Discount on the whole−142\.79Before tax2713\.00Tax of 5 %2\.85Tax of 20 %531\.21/);
  await picture('quote');
});

test('every key changes the totals, and nothing is sent', async () => {
  const requests = [];
  browser.page.on('request', (request) => requests.push(request.url()));
  await browser.page.fill('#discount', '');
  assert.equal(await total(), '3417.95 USD');
  await field(2, 'unit_price').press('End');
  await field(2, 'unit_price').pressSequentially('9');
  assert.equal(await output(2), '63.00', '3 x 19.999 is 60.00, and 3.00 tax');
  await field(2, 'unit_price').fill('19.99');
  assert.deepEqual(requests, []);
});

test('what cannot be priced is said at the field, all of it at once', async () => {
  await field(0, 'quantity').fill('two');
  await field(1, 'discount_percent').fill('120');
  await browser.page.fill('#currency', 'USX');
  const said = await browser.page.locator('#errors li').allTextContents();
  await picture('errors');
  assert.ok(said.some((line) => line.startsWith('Line 1, quantity: two is not a decimal')), said.join('\n'));
  assert.ok(await browser.page.isVisible('#errors'));
  assert.equal(await field(0, 'quantity').getAttribute('aria-invalid'), 'true');
  const described = await field(0, 'quantity').getAttribute('aria-describedby');
  assert.match(await text(`#${described}`), /two is not/);
  await field(0, 'quantity').fill('2');
  await browser.page.fill('#currency', 'usd');
  assert.match((await browser.page.locator('#errors li').allTextContents()).join(), /Line 2, discount, %: 120 is not a percent/);
  await field(1, 'discount_percent').fill('');
  assert.equal(await browser.page.isVisible('#errors'), false);
  assert.equal(await browser.page.locator('[aria-invalid]').count(), 0);
  assert.equal(await total(), '3417.95 USD');
});

test('currencies bring their own smallest unit', async () => {
  for (const [currency, expected] of [['JPY', '3418 JPY'], ['KWD', '3417.953 KWD'], ['USD', '3417.95 USD']]) {
    await browser.page.fill('#currency', currency);
    assert.equal(await total(), expected);
  }
});

test('lines are added and removed; the last one gone is said', async () => {
  await browser.page.click('#add');
  assert.equal(await browser.page.evaluate(() => document.activeElement.dataset.field), 'description', 'the new line has the focus');
  assert.match(await text('#errors'), /Line 4, unit price: the field unit_price is missing/);
  await field(3, 'unit_price').fill('10');
  assert.equal(await total(), '3427.95 USD');
  for (let left = 4; left > 0; left -= 1) await browser.page.getByRole('button', { name: `Remove line ${left}` }).click();
  assert.match(await text('#errors'), /a quote needs at least one line/);
  await browser.page.click('#add');
  await field(0, 'unit_price').fill('10');
  assert.equal(await total(), '10.00 USD');
});

test('every amount is explained, the whole quote too', async () => {
  await field(0, 'description').fill('Pump');
  await field(0, 'discount_percent').fill('10');
  await field(0, 'tax_percent').fill('20');
  await browser.page.fill('#discount', '5');
  assert.match(await text('#reasons summary'), /^Pump: 10\.26$/);
  const steps = (await browser.page.locator('#reasons li').allTextContents()).join('\n');
  for (const step of [/1 x 10 = 10/, /line discount of 10 %: 10.* becomes 9/, /document discount/, /tax of 20 % on 8\.55: 1\.71/]) assert.match(steps, step);
});

test('a narrow page and a dark one', async () => {
  await browser.page.setViewportSize({ width: 380, height: 900 });
  assert.ok(await browser.page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'nothing overflows');
  await picture('narrow');
  await browser.page.setViewportSize({ width: 1200, height: 1000 });
  await browser.page.emulateMedia({ colorScheme: 'dark' });
  await picture('dark');
});

test('the page complains about nothing', () => assert.deepEqual(browser.complaints, []));
