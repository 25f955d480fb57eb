// What the stores that execute the engine's statements have in common.

import { CrmError } from '../lib/error.mjs';

/** A refusal that a store raises; the engine words it. */
export function refused(kind, code, details = {}, options = undefined) {
  return new CrmError({ kind, code, message: code, path: '', details, retryable: code === 'storage_locked' }, options);
}

/** Whether a statement is a question, whose rows are wanted. */
export function asks({ expect }) {
  return expect === 'rows' || expect.found !== undefined;
}

/** Whether what a statement came to is what must happen. */
export function holds({ expect }, { rows, changed }) {
  if (expect.found !== undefined) return rows.length === expect.found;
  if (expect.changed !== undefined) return changed === expect.changed;
  return true;
}

/** A parameter in the driver's terms; integers of eight bytes as `integer` makes them of their text. */
export function parameter(param, integer) {
  if (param.text !== undefined) return param.text;
  if (param.int8 !== undefined) return integer(param.int8);
  if (param.bytes !== undefined) return Buffer.from(param.bytes, 'hex');
  return null;
}

/** Rows as they go to the engine: integers as text, bytes in hexadecimal. */
export function plain(rows) {
  return rows.map((row) => row.map((value) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  }));
}
