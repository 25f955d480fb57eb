// Operations that need no store, at once and without a Promise; and decisions over facts.

import { read, refusal } from './error.mjs';
import { entropy, pureRequest, shaped, storedRequest } from './request.mjs';

/** The areas of the operations that need no store, as plain functions. */
export function pureOf(native, areas) {
  const out = {};
  for (const [area, methods] of Object.entries(areas)) {
    const pure = Object.entries(methods).filter(([, [, effect]]) => effect === 'pure');
    if (pure.length === 0) continue;
    out[area] = Object.freeze(Object.fromEntries(pure.map(([method, [op]]) => [
      method,
      (input, options) => shaped(read(native.call(pureRequest(op, input, options))), options?.explain),
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
      if (asked === before) throw refusal('invalid_facts', { reason: `what was given does not answer ${asked}` }, 'facts');
      before = asked;
      facts.push(...(await (typeof load === 'function' ? load(needs) : loaded(load, needs))));
    }
  };
}

// The facts that functions by kind give; without one for `configuration` the built-in one is in force.
function loaded(load, needs) {
  return Promise.all(needs.map(async (need) => {
    const { kind, id } = need.get ?? { kind: need.find === undefined ? 'events' : 'find' };
    const method = load[kind];
    if (method === undefined && kind === 'configuration') return { kind, id, absent: true };
    if (typeof method !== 'function') throw new TypeError(`the decision needs \`${kind}\`: give a function for it`);
    if (need.get === undefined) return method.call(load, need);
    const row = await method.call(load, id);
    return row === undefined || row === null ? { kind, id, absent: true } : { kind, id, body: row.body, version: row.version };
  }));
}
