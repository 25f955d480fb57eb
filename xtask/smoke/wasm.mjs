// Uses the installed browser package under Node: both builds, a deal in memory, a refusal.
import assert from "node:assert/strict";
import { Crm, quotes } from "crm-core-wasm";
import { CrmError, quotes as price } from "crm-core-wasm/price";

const request = { currency: "USD", lines: [{ quantity: 3, unit_price: "9.99", tax_percent: "8.25" }] };
assert.equal(price.price(request).total, "32.44");
assert.deepEqual(quotes.price(request), price.price(request));
assert.throws(() => price.price({ currency: "USD", lines: [{ quantity: 3, unit_price: 9.99 }] }), CrmError);

const crm = Crm.inMemory({ actor: "ada" });
const deal = await crm.opportunities.create({ name: "Ten laptops", amount: "12990", currency: "EUR" });
assert.equal((await crm.opportunities.win({ id: deal.id, amount: "12500" })).status, "won");
console.log(price.price(request).total);
