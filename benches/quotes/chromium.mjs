// `node chromium.mjs QUOTES`: in headless Chromium, the WebAssembly build `price` against decimal.js and BigInt; a JSON text a line.

import { readFileSync } from 'node:fs';

import { openPage, serve } from '../../bindings-wasm/test/browser.mjs';

const quotes = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// Runs in the page.
async function measure({ lines, quotes }) {
  const { asText, byHand, overObjects, overTexts, withDecimal } = await import('/benches/quotes/peers.mjs');
  const { race } = await import('/benches/quotes/timing.mjs');
  const { default: Decimal } = await import('/node_modules/decimal.js/decimal.mjs');
  const { init, callJson } = await import('/bindings-wasm/web/price.mjs');
  await init();
  const peers = { 'decimal.js': withDecimal(Decimal), 'BigInt by hand': byHand() };
  const texts = quotes.map(asText);
  const ofText = (answer) => JSON.parse(answer).value.total;
  const ofObject = (answer) => answer.total;
  const fields = {
    texts: [
      { name: 'crm-core', inputs: texts, run: callJson, total: ofText },
      ...Object.entries(peers).map(([name, peer]) => ({ name, inputs: texts, run: overTexts(peer), total: ofText })),
    ],
    objects: [
      { name: 'crm-core', inputs: quotes, run: overObjects(callJson), total: ofObject },
      { name: 'the call alone', inputs: texts, run: callJson, total: ofText },
      ...Object.entries(peers).map(([name, peer]) => ({ name, inputs: quotes, run: peer.price, total: ofObject })),
    ],
  };
  const results = [];
  for (const [form, contenders] of Object.entries(fields)) {
    const options = { rounds: 15, budget: 50, now: () => performance.now() };
    for (const result of await race(contenders, options)) results.push({ where: 'chromium', form, lines: Number(lines), ...result });
  }
  return results;
}

const server = await serve();
const { page, close } = await openPage();
try {
  await page.goto(`${server.address}/empty.html`);
  for (const [lines, set] of Object.entries(quotes)) {
    for (const result of await page.evaluate(measure, { lines, quotes: set })) console.log(JSON.stringify(result));
  }
} finally {
  await close();
  await server.close();
}
