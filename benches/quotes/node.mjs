// `node node.mjs QUOTES ADDON`: in Node against dinero.js, decimal.js, zen and BigInt; a JSON text a line.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

import Decimal from 'decimal.js';
import * as library from 'dinero.js';
import { USD } from 'dinero.js/currencies';

import { asText, byHand, overObjects, overTexts, withDecimal, withDinero } from './peers.mjs';
import { race } from './timing.mjs';

const require = createRequire(import.meta.url);
const { ZenEngine } = require('@gorules/zen-engine');
const [, , file, addon] = process.argv;
const { call } = require(addon);

const decision = new ZenEngine().createDecision(readFileSync(new URL('zen.json', import.meta.url)));
const withZen = async (quote) => (await decision.evaluate(quote)).result;

/** zen takes numbers. */
const numbers = ({ discount_percent, lines }) => ({
  discount_percent: Number(discount_percent),
  lines: lines.map((line) => ({
    quantity: Number(line.quantity),
    unit_price: Number(line.unit_price),
    discount_percent: Number(line.discount_percent),
    tax_percent: Number(line.tax_percent),
  })),
});

const peers = { 'dinero.js': withDinero(library, USD), 'decimal.js': withDecimal(Decimal), 'BigInt by hand': byHand() };

for (const [lines, quotes] of Object.entries(JSON.parse(readFileSync(file, 'utf8')))) {
  const texts = quotes.map(asText);
  const ofText = (answer) => JSON.parse(answer).value.total;
  const ofObject = (answer) => answer.total;
  const fields = {
    texts: [
      { name: 'crm-core', inputs: texts, run: call, total: ofText },
      ...Object.entries(peers).map(([name, peer]) => ({ name, inputs: texts, run: overTexts(peer), total: ofText })),
      {
        name: 'zen',
        inputs: texts,
        run: async (text) => JSON.stringify({ ok: true, value: await withZen(numbers(JSON.parse(text).input)) }),
        total: ofText,
        wait: true,
      },
    ],
    objects: [
      { name: 'crm-core', inputs: quotes, run: overObjects(call), total: ofObject },
      { name: 'the call alone', inputs: texts, run: call, total: ofText },
      ...Object.entries(peers).map(([name, peer]) => ({ name, inputs: quotes, run: peer.price, total: ofObject })),
      { name: 'zen', inputs: quotes.map(numbers), run: withZen, total: ofObject, wait: true },
    ],
  };
  for (const [form, contenders] of Object.entries(fields)) {
    const options = { rounds: 15, budget: 50, now: () => performance.now() };
    for (const result of await race(contenders, options)) {
      console.log(JSON.stringify({ where: 'node', form, lines: Number(lines), ...result }));
    }
  }
}
