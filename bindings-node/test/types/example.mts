// Compiled by `tsc --strict` and run by the tests: what a user may write, and with `@ts-expect-error` what not.

import { PgStore } from 'crm-core/stores/pg';
import { BetterSqlite3Store } from 'crm-core/stores/better-sqlite3';
import { Crm, CrmError, conformance, createTables, createViews, decide, decideWith, isCrmError, quotes, render, renderTree, views } from 'crm-core';
import type { ChangeSet, Fact, Opportunity, PricedQuote, Query, Reason, Repository, StoredRecord } from 'crm-core';

class Exact {
  constructor(private readonly text: string) {}
  toFixed(): string {
    return this.text;
  }
}

export function priced(): PricedQuote {
  return quotes.price({
    currency: 'USD',
    lines: [
      { quantity: 2, unit_price: '9.99' },
      { quantity: 3n, unit_price: new Exact('1.50'), tax_percent: '8.25' },
    ],
  });
}

export function sentences(): string[] {
  const { value, reasons } = quotes.price({ currency: 'USD', lines: [{ quantity: 1, unit_price: '5' }] }, { explain: 'full' });
  const total: string = value.total;
  return [total, ...reasons.map((reason: Reason) => render(reason, 'zh'))];
}

export async function moved(): Promise<Opportunity> {
  const crm = Crm.inMemory({ actor: 'u1', now: new Date('2026-01-31T09:00:00Z'), seed: 'example' });
  const deal = await crm.opportunities.create({ name: 'Pump', amount: '1200.50', currency: 'USD' }, { idempotency_key: 'k1' });
  const { value, reasons } = await crm.opportunities.advance({ id: deal.id, to: 'qualification' }, { explain: 'codes', expect_version: 1 });
  const first: string | undefined = reasons[0]?.code;
  const books = await crm.priceBooks.find();
  crm.close();
  return first === undefined || books.items.length > 0 ? deal : value;
}

export async function refused(): Promise<string> {
  const crm = Crm.inMemory();
  try {
    await crm.opportunities.get({ id: 'nowhere' });
  } catch (error) {
    if (isCrmError(error)) return `${error.kind}/${error.code}/${error.path}/${error.retryable}`;
    if (error instanceof CrmError) throw error;
  }
  return 'no error';
}

class Store implements Repository {
  get(_need: { tenant: string; keys: { kind: string; id: string }[] }): (StoredRecord | null)[] {
    return [null];
  }
  async find(_query: Query): Promise<StoredRecord[]> {
    return [];
  }
  commit(_changes: ChangeSet): void {}
  events(): never[] {
    return [];
  }
}

export async function foreign(): Promise<number> {
  const crm = new Crm({ repository: new Store(), tenant: 'main' });
  return (await crm.users.find({ limit: 5 })).items.length;
}

export async function decided(): Promise<string> {
  const facts: Fact[] = [{ kind: 'user', id: 'u1', body: { name: 'Ada' }, version: 'xmin-17' }];
  const { done, needs } = decide('users.get', { id: 'u1' }, facts);
  const all = await decideWith('users.get', { id: 'u1' }, (asked) => asked.map(() => facts[0] as Fact));
  const won = await decideWith('opportunities.win', { id: 'o1' }, {
    opportunity: async (id: string) => (id === 'o1' ? { body: { name: 'Pump' }, version: 3 } : null),
    find: (need) => ({ need: need.need, complete: true, records: [] }),
  });
  void won.changes.puts.length;
  return done === undefined ? JSON.stringify(needs) : done.value.name + all.value.name;
}

export async function brief(crm: Crm): Promise<string> {
  const { reasons } = quotes.price({ currency: 'USD', lines: [] }, { explain: 'full' });
  const { name } = await crm.opportunities.get('o1');
  // @ts-expect-error: two fields must be given
  void (() => crm.opportunities.advance('o1'));
  await decideWith('opportunities.win', { id: 'o1' }, { opportunity: () => ({ name: 'Pump', stage: 'prospecting' }) });
  return name + renderTree(reasons);
}

export function wrong(): void {
  // @ts-expect-error: a misspelt field
  void (() => quotes.price({ currency: 'USD', lines: [{ quantty: 1, quantity: 1, unit_price: '5' }] }));
  // @ts-expect-error: a required field
  void (() => quotes.price({ currency: 'USD', lines: [{ quantity: 1 }] }));
  // @ts-expect-error: no decimal
  void (() => quotes.price({ currency: 'USD', lines: [{ quantity: true, unit_price: '5' }] }));
  // @ts-expect-error: reasons only where they were asked for
  void (() => quotes.price({ currency: 'USD', lines: [] }).reasons);
  // @ts-expect-error: no such operation
  void (() => decide('users.fetch', { id: 'u1' }));
  // @ts-expect-error: an engine is needed
  void (() => Crm.prototype.opportunities.advance({ id: 'o1' }));
}

export async function inTransaction(client: { query(query: unknown): Promise<unknown> }): Promise<string[]> {
  const tables = { account: { table: 'shop.customers', id: { column: 'id', type: 'int8' }, fields: { name: 'company_name' } } } as const;
  const repository = new PgStore(client, { tables });
  const { made } = await createViews(repository);
  views('postgres').concat(made);
  // @ts-expect-error a table needs its ids
  new PgStore(client, { tables: { account: { table: 'customers', fields: {} } } });
  const { layout } = await createTables(repository);
  // @ts-expect-error what is no database of better-sqlite3
  new BetterSqlite3Store({ layout });
  await client.query('BEGIN');
  await new Crm({ repository, actor: 'u1' }).accounts.create({ name: 'Steel' });
  await client.query('COMMIT');
  const { ran } = await conformance(repository, { prefix: 'c.' });
  return ran;
}
