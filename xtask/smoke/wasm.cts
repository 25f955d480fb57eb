// The same for a program that is compiled to `require`.
import { Crm, quotes } from "crm-core-wasm";

const total: string = quotes.price({ currency: "USD", lines: [{ quantity: 3, unit_price: "9.99" }] }).total;
const name: Promise<string> = Crm.inMemory({ actor: "ada" }).opportunities.create({ name: "Ten laptops" }).then((deal) => deal.name);
// @ts-expect-error: no such field
quotes.price({ currency: "USD", line: [] });
console.log(total, name);
