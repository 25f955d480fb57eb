// The same quote priced with what one would take instead: dinero.js, decimal.js and whole cents in BigInt.
//
// Every peer does what `quotes.price` does: net of a line rounded once from the exact product, a document discount shared by the
// lines in proportion to their nets with the cents left going to the largest fractions, tax of each line, all rounded half up.
//
// Each gives `price`, which takes an object and keeps the library's own numbers in the lines, and `show`, which spells one of those.

/** Shares whole cents by weights, largest fraction first. No library here has this rule (`allocate` of dinero.js gives the cents
 * left to the largest weights), so all share this code; amounts times weights stay below 2^53 in these quotes. */
function share(cents, weights, total) {
  if (cents === 0) return weights.map(() => 0);
  const shares = new Array(weights.length);
  const order = new Array(weights.length);
  let left = cents;
  for (let i = 0; i < weights.length; i++) {
    const part = cents * weights[i];
    const rest = part % total;
    shares[i] = (part - rest) / total;
    left -= shares[i];
    order[i] = [rest, i];
  }
  order.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  for (let i = 0; i < left; i++) shares[order[i][1]]++;
  return shares;
}

export function withDecimal(Decimal) {
  Decimal.set({ precision: 40, rounding: Decimal.ROUND_HALF_UP });
  const hundred = new Decimal(100);
  const cents = (value) => value.toDecimalPlaces(2);
  const show = (value) => value.toFixed(2);
  function price(quote) {
    let net = new Decimal(0);
    let amount = net;
    const lines = quote.lines.map((line) => {
      const product = new Decimal(line.quantity).times(line.unit_price);
      const one = {
        amount: cents(product),
        net: cents(product.times(hundred.minus(line.discount_percent)).div(hundred)),
      };
      amount = amount.plus(one.amount);
      net = net.plus(one.net);
      return one;
    });
    const discount = cents(net.times(quote.discount_percent).div(hundred));
    const weights = lines.map((line) => line.net.times(hundred).toNumber());
    const shares = share(discount.times(hundred).toNumber(), weights, net.times(hundred).toNumber());
    let tax = new Decimal(0);
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      line.document_discount = new Decimal(shares[i]).div(hundred);
      line.taxable = line.net.minus(line.document_discount);
      line.tax = cents(line.taxable.times(quote.lines[i].tax_percent).div(hundred));
      line.total = line.taxable.plus(line.tax);
      tax = tax.plus(line.tax);
    }
    const taxable = net.minus(discount);
    return {
      lines,
      amount: show(amount),
      net: show(net),
      document_discount: show(discount),
      taxable: show(taxable),
      tax: show(tax),
      total: show(taxable.plus(tax)),
    };
  }
  return { price, show };
}

export function withDinero(library, USD) {
  const { dinero, add, subtract, multiply, transformScale, toDecimal, toSnapshot, halfAwayFromZero } = library;
  // A decimal text as a whole number and its scale; what a percent leaves is a factor with a scale, as dinero.js wants factors.
  const parts = (text) => {
    const point = text.indexOf('.');
    if (point < 0) return [Number(text), 0];
    return [Number(text.slice(0, point) + text.slice(point + 1)), text.length - point - 1];
  };
  const money = (text) => {
    const [amount, scale] = parts(text);
    return dinero({ amount, currency: USD, scale });
  };
  const percent = (text) => {
    const [amount, scale] = parts(text);
    return { amount, scale: scale + 2 };
  };
  const kept = (text) => {
    const [amount, scale] = parts(text);
    return { amount: 100 * 10 ** scale - amount, scale: scale + 2 };
  };
  const cents = (value) => transformScale(value, 2, halfAwayFromZero);
  const zero = dinero({ amount: 0, currency: USD });
  function price(quote) {
    let net = zero;
    let amount = zero;
    const lines = quote.lines.map((line) => {
      const product = multiply(money(line.unit_price), Number(line.quantity));
      const one = { amount: cents(product), net: cents(multiply(product, kept(line.discount_percent))) };
      amount = add(amount, one.amount);
      net = add(net, one.net);
      return one;
    });
    const discount = cents(multiply(net, percent(quote.discount_percent)));
    const weights = lines.map((line) => toSnapshot(line.net).amount);
    const shares = share(toSnapshot(discount).amount, weights, toSnapshot(net).amount);
    let tax = zero;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      line.document_discount = dinero({ amount: shares[i], currency: USD });
      line.taxable = subtract(line.net, line.document_discount);
      line.tax = cents(multiply(line.taxable, percent(quote.lines[i].tax_percent)));
      line.total = add(line.taxable, line.tax);
      tax = add(tax, line.tax);
    }
    const taxable = subtract(net, discount);
    return {
      lines,
      amount: toDecimal(amount),
      net: toDecimal(net),
      document_discount: toDecimal(discount),
      taxable: toDecimal(taxable),
      tax: toDecimal(tax),
      total: toDecimal(add(taxable, tax)),
    };
  }
  return { price, show: (value) => toDecimal(value) };
}

/** Whole cents by hand: what somebody writes who needs this one calculation, with two places everywhere and no checks. */
export function byHand() {
  const scaled = (text, places) => {
    const point = text.indexOf('.');
    if (point < 0) return BigInt(text + '0'.repeat(places));
    return BigInt(text.slice(0, point) + (text.slice(point + 1) + '0000').slice(0, places));
  };
  const show = (units) => {
    const digits = units.toString().padStart(3, '0');
    return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
  };
  function price(quote) {
    let net = 0n;
    let amount = 0n;
    const lines = quote.lines.map((line) => {
      const product = BigInt(line.quantity) * scaled(line.unit_price, 2);
      const one = { amount: product, net: (product * (10_000n - scaled(line.discount_percent, 2)) + 5_000n) / 10_000n };
      amount += one.amount;
      net += one.net;
      return one;
    });
    const discount = (net * scaled(quote.discount_percent, 2) + 5_000n) / 10_000n;
    const shares = share(Number(discount), lines.map((line) => Number(line.net)), Number(net));
    let tax = 0n;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      line.document_discount = BigInt(shares[i]);
      line.taxable = line.net - line.document_discount;
      line.tax = (line.taxable * scaled(quote.lines[i].tax_percent, 2) + 5_000n) / 10_000n;
      line.total = line.taxable + line.tax;
      tax += line.tax;
    }
    const taxable = net - discount;
    return {
      lines,
      amount: show(amount),
      net: show(net),
      document_discount: show(discount),
      taxable: show(taxable),
      tax: show(tax),
      total: show(taxable + tax),
    };
  }
  return { price, show };
}

/** A peer from the text of a request to the text of an answer, as a service does. */
export function overTexts({ price, show }) {
  const spelt = ({ amount, net, document_discount, taxable, tax, total }) => ({
    amount: show(amount),
    net: show(net),
    document_discount: show(document_discount),
    taxable: show(taxable),
    tax: show(tax),
    total: show(total),
  });
  return function answer(text) {
    const priced = price(JSON.parse(text).input);
    priced.lines = priced.lines.map(spelt);
    return JSON.stringify({ ok: true, value: priced });
  };
}

/** crm-core, which takes and gives texts, from an object to an object. */
export function overObjects(call) {
  return function price(quote) {
    const answer = JSON.parse(call(JSON.stringify({ op: 'quotes.price', explain: 'none', input: quote })));
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value;
  };
}

/** The text of a request. */
export const asText = (quote) => JSON.stringify({ op: 'quotes.price', explain: 'none', input: quote });
