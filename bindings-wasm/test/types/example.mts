// Compiled by `tsc --strict` with the example of the Node package: what a user of the builds for browsers may write.

import init, { Crm, initSync, quotes, type Repository } from 'crm-core-wasm';
import start, { isCrmError, quotes as small, type PricedQuote } from 'crm-core-wasm/price';
import * as bundled from 'crm-core-wasm/bundler/price';

export async function priced(bytes: Uint8Array<ArrayBuffer>, repository: Repository): Promise<PricedQuote> {
  await Promise.all([init(), start(new URL('price.wasm', 'https://example.org/'))]);
  initSync(new WebAssembly.Module(bytes));
  const usd = { currency: 'USD', lines: [{ quantity: 2, unit_price: '9.99' }] };
  const { value, reasons } = small.price(usd, { explain: 'codes' });
  const engine = new Crm({ repository, actor: 'u1' });
  const page = await engine.opportunities.find({ limit: 10 });
  if (page.items.length === 0 || isCrmError(reasons)) return quotes.price(usd);
  return bundled.quotes.price(usd).total === value.total ? value : small.price(usd);
}

// @ts-expect-error: the small build has no engines
export type None = typeof import('crm-core-wasm/price').Crm;
