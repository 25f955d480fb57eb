// Errors: what the engine refuses, as one class with a stable code.

import { templates } from './operations.mjs';

/** The English templates of what this layer raises itself. */
const ENGLISH = Object.fromEntries(Object.entries(templates).map(([code, { english }]) => [code, english]));

const BRAND = Symbol.for('crm-core.CrmError');

/** A refusal of the engine: its kind, its stable code, the place in the request, the facts behind the message. */
export class CrmError extends Error {
  constructor(data, options) {
    super([placed(data), ...listed(data).map(placed)].join('\n  '), options);
    this.kind = data.kind;
    this.code = data.code;
    this.path = data.path ?? '';
    this.details = data.details ?? {};
    this.retryable = data.retryable ?? false;
    Object.defineProperty(this, BRAND, { value: true });
  }

  get name() {
    return 'CrmError';
  }

  /** Every single mistake; this error itself when it is the only one. */
  get violations() {
    const each = listed(this).map((one) => new CrmError({ kind: this.kind, ...one }));
    return each.length === 0 ? [this] : each;
  }
}

/** The mistakes of a request, or the findings about a configuration, that an error sums up. */
export function listed({ code, details }) {
  const list = { invalid_request: details?.violations, invalid_configuration: details?.findings }[code];
  return Array.isArray(list) ? list : [];
}

/** A message behind its place. */
export function placed({ path, message }) {
  return path ? `\`${path}\`: ${message}` : message;
}

/** Says whether something thrown is a CrmError, also one of another copy of this package. */
export function isCrmError(value) {
  return value instanceof Error && value[BRAND] === true;
}

/** Puts details into a template of a catalogue, as the engine does; a hint within them is a sentence of its own. */
export function fill(template, details, catalogue) {
  return template.replace(/\{([^{}]*)\}/g, (whole, name) => {
    const value = Object.hasOwn(details, name) ? details[name] : undefined;
    if (value === undefined) return whole;
    if (Array.isArray(value)) return value.map((each) => `\`${text(each)}\``).join(', ') || '-';
    if (typeof value?.code === 'string' && Object.hasOwn(catalogue, value.code)) return fill(catalogue[value.code], value.params ?? {}, catalogue);
    const word = `${name}.${value}`;
    return typeof value === 'string' && Object.hasOwn(catalogue, word) ? catalogue[word] : text(value);
  });
}

function text(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Makes one of the few errors that this layer raises itself; code, kind and message come from the engine's table. */
export function refusal(code, details, path = '', options = undefined) {
  const { kind } = templates[code];
  return new CrmError({ kind, code, message: fill(ENGLISH[code], details, ENGLISH), path, details }, options);
}

/** An answer that was read: itself, or its error thrown. */
export function accept(answer, cause = undefined) {
  if (answer.ok) return answer;
  throw new CrmError(answer.error, cause === undefined ? undefined : { cause });
}

/** Reads an answer: its value and reasons, or its error thrown. */
export function read(text) {
  return accept(JSON.parse(text));
}
