// The types of the installed package: this must compile, and the marked lines must not.
import { Crm, quotes } from "crm-core";

const total: string = quotes.price({ currency: "USD", lines: [{ quantity: 3, unit_price: "9.99" }] }).total;
const crm = Crm.inMemory({ actor: "ada" });
const name: string = (await crm.opportunities.create({ name: "Ten laptops" })).name;
// @ts-expect-error: no such field
quotes.price({ currency: "USD", line: [] });
console.log(total, name);
