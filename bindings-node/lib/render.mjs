// Reasons and errors as sentences, from catalogues that are loaded apart.

import { fill } from './error.mjs';

const catalogues = new Map();

/** Adds a language's catalogue: `{code: template}`, as in the package's `catalogue` folder. */
export function addCatalogue(locale, catalogue) {
  catalogues.set(locale, catalogue);
}

/** Says whether a language's catalogue is there. */
export function hasCatalogue(locale) {
  return catalogues.has(locale);
}

/**
 * The sentence of a reason or an error; `zh-CN` takes `zh`.
 *
 * A code that the catalogue does not know is given back as it is.
 */
export function render(reason, locale = 'en') {
  const catalogue = catalogues.get(locale) ?? catalogues.get(locale.split('-')[0]);
  if (catalogue === undefined) {
    throw new RangeError(`no catalogue for \`${locale}\`: add it with \`addCatalogue\`, known are ${[...catalogues.keys()].join(', ') || 'none'}`);
  }
  const template = catalogue[reason.code];
  if (template === undefined) return reason.code;
  return fill(template, reason.params ?? reason.details ?? {});
}

/** A reason and all beneath it, one indented line each. */
export function renderTree(reason, locale = 'en', depth = 0) {
  const own = `${'  '.repeat(depth)}${render(reason, locale)}`;
  return [own, ...(reason.children ?? []).map((child) => renderTree(child, locale, depth + 1))].join('\n');
}
