// A quote priced as one types, by the smallest build. Amounts are texts from the first key to the last: no number is ever rounded here.

import { addCatalogue, init, isCrmError, quotes, render } from '../../bindings-wasm/web/price.mjs';

const by = (id) => document.getElementById(id);
const lines = by('lines');

const SAMPLE = [
  { description: 'Pump P-200', quantity: '2', unit_price: '1249.90', discount_percent: '10', tax_percent: '20' },
  { description: 'Installation, hours', quantity: '6.5', unit_price: '84.00', tax_percent: '20' },
  { description: 'Manual', quantity: '3', unit_price: '19.99', tax_percent: '5' },
];

function addLine(values = {}) {
  const line = by('line').content.cloneNode(true).firstElementChild;
  for (const input of line.querySelectorAll('input')) input.value = values[input.dataset.field] ?? '';
  line.querySelector('.remove').addEventListener('click', () => {
    line.remove();
    refresh();
    by('add').focus();
  });
  lines.append(line);
  return line;
}

// What is on the page, as the engine takes it: texts as typed, empty fields left out.
function request() {
  const read = (line) => {
    const typed = [...line.querySelectorAll('input')].map((input) => [input.dataset.field, input.value.trim()]);
    return Object.fromEntries(typed.filter(([, text]) => text !== ''));
  };
  const discount = by('discount').value.trim();
  return {
    currency: by('currency').value.trim().toUpperCase(),
    lines: [...lines.children].map(read),
    ...(discount === '' ? {} : { discount_percent: discount }),
    rounding: { tax: by('rounding').value },
  };
}

function refresh() {
  for (const [place, line] of [...lines.children].entries()) {
    line.querySelector('legend').textContent = `Line ${place + 1}`;
    line.querySelector('.remove').setAttribute('aria-label', `Remove line ${place + 1}`);
  }
  for (const input of document.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    input.removeAttribute('aria-describedby');
  }
  try {
    const { value, reasons } = quotes.price(request(), { explain: 'full' });
    by('errors').hidden = true;
    document.body.classList.remove('stale');
    showQuote(value);
    showReasons(reasons, value);
  } catch (error) {
    if (!isCrmError(error)) throw error;
    showErrors(error.details.violations ?? [error]);
  }
}

function showQuote(quote) {
  for (const [place, line] of [...lines.children].entries()) line.querySelector('output').textContent = quote.lines[place].total;
  const rows = [
    ['List price', quote.amount],
    ['Line discounts', minus(quote.line_discount)],
    ['Discount on the whole', minus(quote.document_discount)],
    ['Before tax', quote.taxable],
    ...quote.tax_groups.map(({ tax_percent, tax }) => [`Tax of ${tax_percent} %`, tax]),
    ['To pay', `${quote.total} ${quote.currency}`],
  ];
  by('totals').replaceChildren(...rows.flatMap(([name, amount]) => [make('dt', name), make('dd', amount)]));
  by('totals').lastElementChild.id = 'total';
}

// A minus before a text that is not zero.
const minus = (amount) => (/[1-9]/.test(amount) ? `−${amount}` : amount);

// A waterfall for each line, and one for the whole quote.
function showReasons(reasons, quote) {
  const [whole] = reasons;
  const parts = [];
  let place = 0;
  for (const reason of whole.children ?? []) {
    if (reason.code !== 'line_total') continue;
    const description = lines.children[place]?.querySelector('input').value.trim();
    parts.push(steps(`${description || `Line ${place + 1}`}: ${quote.lines[place].total}`, reason.children ?? []));
    place += 1;
  }
  const rest = (whole.children ?? []).filter(({ code }) => code !== 'line_total');
  if (rest.length > 0) parts.push(steps('Whole quote', rest));
  const open = new Set([...by('reasons').querySelectorAll('details[open]')].map((part) => part.dataset.place));
  by('reasons').replaceChildren(...parts);
  for (const [at, part] of parts.entries()) {
    part.dataset.place = String(at);
    part.open = open.has(String(at)) || (open.size === 0 && at === 0);
  }
}

function steps(title, reasons) {
  const details = make('details');
  details.append(make('summary', title), list(reasons));
  return details;
}

function list(reasons) {
  const items = make('ol');
  for (const reason of reasons) {
    const item = make('li', render(reason));
    if (reason.children?.length > 0) item.append(list(reason.children));
    items.append(item);
  }
  return items;
}

function showErrors(violations) {
  const list = make('ul');
  for (const [at, { path, message, code, details }] of violations.entries()) {
    const input = inputOf(path, details);
    const text = render({ code, details });
    const item = make('li');
    item.append(...marked(input === undefined ? message : `${nameOf(input)}: ${text}`));
    item.id = `error-${at}`;
    input?.setAttribute('aria-invalid', 'true');
    input?.setAttribute('aria-describedby', item.id);
    list.append(item);
  }
  by('errors').replaceChildren(make('strong', 'This cannot be priced yet.'), list);
  by('errors').hidden = false;
  document.body.classList.add('stale');
}

// A sentence with what stands between backticks marked.
const marked = (sentence) => sentence.split('`').map((part, at) => (at % 2 === 1 ? make('code', part) : part));

// The input that an error's place speaks of.
function inputOf(path, details) {
  const [, place, field] = /^lines\[(\d+)\]\.?(\w*)/.exec(path) ?? [];
  if (place !== undefined) return lines.children[place]?.querySelector(`[data-field="${field || details?.field}"]`) ?? undefined;
  return { currency: by('currency'), discount_percent: by('discount') }[path];
}

function nameOf(input) {
  const label = input.closest('label').firstChild.textContent.trim();
  const line = input.closest('.line')?.querySelector('legend').textContent;
  return line === undefined ? label : `${line}, ${label.toLowerCase()}`;
}

function make(name, text = '') {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

addCatalogue('en', await (await fetch('../../bindings-wasm/catalogue/en.json')).json());
await init();
SAMPLE.forEach(addLine);
document.addEventListener('input', refresh);
by('add').addEventListener('click', () => {
  addLine({ quantity: '1' }).querySelector('input').focus();
  refresh();
});
refresh();
document.body.dataset.ready = 'true';
