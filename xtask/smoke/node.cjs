// Uses the installed package by `require`.
const assert = require("node:assert/strict");
const { quotes } = require("crm-core");

const quote = quotes.price({ currency: "USD", lines: [{ quantity: 3, unit_price: "9.99", tax_percent: "8.25" }] });
assert.equal(quote.total, "32.44");
console.log(quote.total);
