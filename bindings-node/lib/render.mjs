// Reasons and errors as sentences, from catalogues that are loaded apart.

import { fill, listed, placed } from './error.mjs';

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
 * The sentence of a reason or an error; `zh-CN` takes `zh`. Several mistakes of one error have a line each.
 *
 * A code that the catalogue does not know is given back as it is.
 */
export function render(reason, locale = 'en') {
  const catalogue = catalogues.get(locale) ?? catalogues.get(locale.split('-')[0]);
  if (catalogue === undefined) {
    throw new RangeError(`no catalogue for \`${locale}\`: add it with \`addCatalogue\`, known are ${[...catalogues.keys()].join(', ') || 'none'}`);
  }
  if (typeof reason?.code !== 'string') throw new TypeError('`render` takes a reason or an error; `renderTree` takes a list of reasons');
  const template = catalogue[reason.code];
  if (template === undefined) return reason.code;
  const own = fill(template, reason.params ?? reason.details ?? {}, catalogue);
  return [own, ...listed(reason).map((each) => placed({ path: each.path, message: each.details ? render(each, locale) : each.message }))].join('\n  ');
}

/** A reason, or a list of them, and all beneath it, one indented line each. */
export function renderTree(reason, locale = 'en', depth = 0) {
  if (reason === undefined) throw new TypeError('there are no reasons: ask for them with `explain: "full"`');
  if (Array.isArray(reason)) return reason.map((each) => renderTree(each, locale, depth)).join('\n');
  const own = `${'  '.repeat(depth)}${render(reason, locale)}`;
  return [own, ...(reason.children ?? []).map((child) => renderTree(child, locale, depth + 1))].join('\n');
}
