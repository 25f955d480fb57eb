// Operations that need no store, at once and without a Promise; and decisions over facts.

import { read, refusal } from './error.mjs';
import { entropy, fielded, pureRequest, shaped, storedRequest } from './request.mjs';

/** The areas of the operations that need no store, as plain functions. */
export function pureOf(native, areas) {
  const out = {};
  for (const [area, methods] of Object.entries(areas)) {
    const pure = Object.entries(methods).filter(([, [, effect]]) => effect === 'pure');
    if (pure.length === 0) continue;
    out[area] = Object.freeze(Object.fromEntries(pure.map(([method, [op, , required]]) => [
      method,
      (input, options) => shaped(read(native.call(pureRequest(op, fielded(input, required), options))), options?.explain),
    ])));
  }
  return Object.freeze(out);
}

/** Decides over facts: `{done}`, or `{needs}` when facts are missing. Nothing is written; the caller carries out the changes. */
export function decideOf(native) {
  return function decide(op, input, facts = [], options = {}) {
    return read(native.decide(storedRequest(op, input, { explain: 'codes', ...options }, { facts }))).value;
  };
}

/** Decides over facts that are fetched as they are needed; every round has the same time and entropy. */
export function decideWithOf(decide) {
  return async function decideWith(op, input, load, options = {}) {
    const { facts: known = [], ...rest } = options;
    const facts = [...known];
    const fixed = { ...rest, now: rest.now ?? new Date(), seed: rest.seed ?? entropy() };
    let before;
    for (;;) {
      fixed.signal?.throwIfAborted();
      const { done, needs } = decide(op, input, facts, fixed);
      if (done !== undefined) return done;
      const asked = JSON.stringify(needs);
      if (asked === before) throw refusal('invalid_facts', { reason: { code: 'not_answered', params: { asked } } }, 'facts');
      before = asked;
      facts.push(...(await (typeof load === 'function' ? load(needs) : loaded(load, needs))));
    }
  };
}

// The facts that functions by kind give; without one for `configuration` the built-in one is in force.
function loaded(load, needs) {
  return Promise.all(needs.map(async (need) => {
    if (need.get === undefined) return listedBy(load, need);
    const { kind, id } = need.get;
    const method = load[kind];
    if (method === undefined && kind === 'configuration') return { kind, id, absent: true };
    if (typeof method !== 'function') throw new TypeError(`the decision needs \`${kind}\`: give a function for it`);
    return { kind, id, ...rowOf(kind, await method.call(load, id)) };
  }));
}

// The fact that a list is, from the function under `find` or `events`.
async function listedBy(load, need) {
  const name = need.find === undefined ? 'events' : 'find';
  const made = name === 'find' ? '{ need: need.need, complete: true, records: [..] }' : '{ need: need.need, events: [..] }';
  if (typeof load[name] !== 'function') {
    const wanted = name === 'find' ? `a list of the kind \`${need.find.kind}\`` : 'events';
    throw new TypeError(`the decision needs ${wanted}: give a function \`${name}\` from a need to \`${made}\``);
  }
  const fact = await load[name](need);
  if (typeof fact?.need !== 'string') throw new TypeError(`the function for \`${name}\` gives \`${made}\``);
  return fact;
}

const ROW = new Set(['kind', 'id', 'body', 'version']);

// What a function knows of a record: a row with its version, a fact, the bare fields, or nothing.
function rowOf(kind, row) {
  if (row === undefined || row === null || row.absent === true) return { absent: true };
  if (typeof row !== 'object' || Array.isArray(row)) throw new TypeError(`the function for \`${kind}\` gives its fields, \`{ body, version }\`, or null`);
  if (typeof row.body === 'object' && Object.keys(row).every((name) => ROW.has(name))) return { body: row.body, version: row.version };
  return { body: row };
}
