// Uses the installed package as a module: a quote without a store, a deal in a file, a refusal.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Crm, CrmError, quotes } from "crm-core";

const quote = quotes.price({ currency: "USD", lines: [{ quantity: 3, unit_price: "9.99", tax_percent: "8.25" }] });
assert.equal(quote.total, "32.44");
assert.throws(() => quotes.price({ currency: "USD", lines: [{ quantity: 3, unit_price: 9.99 }] }), CrmError);

const folder = mkdtempSync(join(tmpdir(), "crm-core-"));
try {
  const crm = await Crm.open(`sqlite:${join(folder, "deals.db")}`, { actor: "ada" });
  const deal = await crm.opportunities.create({ name: "Ten laptops", amount: "12990", currency: "EUR" });
  assert.equal((await crm.opportunities.win({ id: deal.id, amount: "12500" })).status, "won");
  await crm.close?.();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(quote.total);
