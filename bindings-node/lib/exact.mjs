// Input on its way to JSON: exact numbers as text, and nothing dropped in silence.

import { refusal } from './error.mjs';

const DEPTH = 128;

/**
 * Writes a value as JSON.
 *
 * Integers stay; a bigint and an object with an exact `toFixed` or `toString` (decimal.js, big.js, a Money class) become text;
 * a number beyond the exact ones, a function, a Map and the like are refused with their place.
 */
export function write(value) {
  return JSON.stringify(exactly(value));
}

/** The same value as plain JSON types; itself where nothing needs a change. */
export function exactly(value) {
  return exact(value, null, 0);
}

// A place is a chain of [parent, key], joined only when something is refused.
function exact(value, place, depth) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isSafeInteger(value) ? value : number(value, place);
    case 'bigint':
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString();
    case 'object':
      break;
    default:
      throw wrong('a JSON value', typeof value, place);
  }
  if (value === null) return null;
  if (depth > DEPTH) throw wrong(`at most ${DEPTH} levels`, 'more, or a circle', place);
  if (Array.isArray(value)) return items(value, place, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    const written = instance(value, place);
    if (written !== undefined) return written;
  }
  let copy = null;
  for (const key of Object.keys(value)) {
    const given = value[key];
    if (typeof given === 'string' || Number.isSafeInteger(given)) continue;
    const kept = exact(given, [place, key], depth + 1);
    if (kept === given) continue;
    copy ??= { ...value };
    copy[key] = kept;
  }
  return copy ?? value;
}

function items(list, place, depth) {
  let copy = null;
  for (let index = 0; index < list.length; index += 1) {
    const given = list[index];
    if (given === undefined) throw wrong('a JSON value', 'nothing', [place, index]);
    const kept = exact(given, [place, index], depth + 1);
    if (kept === given) continue;
    copy ??= [...list];
    copy[index] = kept;
  }
  return copy ?? list;
}

function number(value, place) {
  if (!Number.isFinite(value)) throw refusal('invalid_decimal', { value: String(value) }, path(place));
  // The engine knows whether a fraction may stand here, and refuses it in its own words where not.
  if (!Number.isInteger(value)) return value;
  const details = { value: String(value), minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
  throw refusal('number_out_of_range', details, path(place));
}

// What an object of a class is written as; undefined for one that is written field by field.
function instance(value, place) {
  if (value instanceof Number) return exact(value.valueOf(), place, 0);
  if (value instanceof String || value instanceof Boolean) return value.valueOf();
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw refusal('invalid_instant', { value: 'Invalid Date' }, path(place));
    return value.toISOString();
  }
  if (value instanceof Map || value instanceof Set || value instanceof Promise || ArrayBuffer.isView(value)) {
    throw wrong('a plain object or a list', value.constructor.name, place);
  }
  if (typeof value.toFixed === 'function') return value.toFixed();
  if (typeof value.toJSON === 'function') return exact(value.toJSON(), place, 0);
  return value.toString === Object.prototype.toString ? undefined : value.toString();
}

function wrong(expected, found, place) {
  return refusal('wrong_type', { expected, found }, path(place));
}

function path(place) {
  let out = '';
  for (let at = place; at !== null; at = at[0]) {
    const key = at[1];
    out = typeof key === 'number' ? `[${key}]${out}` : `.${key}${out}`;
  }
  return out.replace(/^\./, '');
}
