// The step protocol: the caller's own repository answers what a running operation needs.

import { accept, isCrmError, read, refusal } from './error.mjs';
import { write } from './exact.mjs';

// Below the engine's own bound, so that a burst of operations waits in line instead of being refused.
const AT_ONCE = 1000;
let running = 0;
const line = [];

async function enter() {
  if (running < AT_ONCE) running += 1;
  else await new Promise((resolve) => line.push(resolve));
}

function leave() {
  const next = line.shift();
  if (next === undefined) running -= 1;
  else next();
}

/** Runs a request over a repository and gives the engine's answer. However it ends, the engine's handle is freed. */
export async function drive(native, repository, request, { signal, history } = {}) {
  signal?.throwIfAborted();
  await enter();
  const generation = native.generation();
  let handle;
  let cause;
  try {
    let step = read(native.begin(described(repository, history, request)));
    while (step.done === undefined) {
      handle = step.handle;
      const answers = await unless(signal, Promise.all(step.needs.map((need) => answer(repository, need))));
      if (native.generation() !== generation) {
        handle = undefined;
        throw refusal('engine_crashed', {});
      }
      cause = answers.find((given) => given.cause !== undefined)?.cause ?? cause;
      const text = write(answers.map(({ cause: _, ...given }) => given));
      // From here on the engine has the handle only when it gives it back.
      handle = undefined;
      step = read(native.resume(step.handle, text));
    }
    return accept(step.done, cause);
  } finally {
    if (handle !== undefined && native.generation() === generation) native.abort(handle);
    leave();
  }
}

// The request, what the repository says of itself as a store, and whether its history is kept.
export function described({ sql, in_transaction, executes, exact_text, tables }, history, request) {
  const store = { ...(sql === undefined ? { executes, exact_text } : { sql, in_transaction, tables }), history: history || undefined };
  if (Object.values(store).every((value) => value === undefined)) return request;
  return `${request.slice(0, -1)},"store":${JSON.stringify(store)}}`;
}

// A promise, or the signal's reason as soon as it is aborted.
async function unless(signal, promise) {
  if (signal === undefined) return promise;
  let stop;
  const aborted = new Promise((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

// One need's answer. What the repository throws, at once or later, becomes the answer's error and the cause of what is thrown.
async function answer(repository, need) {
  try {
    const found = await ask(repository, need);
    return { id: need.id, ok: found ?? null };
  } catch (cause) {
    return { id: need.id, error: failed(cause), cause };
  }
}

async function ask(repository, need) {
  if (need.get !== undefined) return checked(await repository.get(need.get), need.get.keys.length);
  if (need.find !== undefined) return repository.find(need.find);
  if (need.commit !== undefined) return (await repository.commit(need.commit)) ?? { done: {} };
  if (need.sql !== undefined) return repository.execute(need.sql);
  if (need.due !== undefined) return timers(repository, 'due', need.due);
  if (need.next_due !== undefined) return timers(repository, 'next_due', need.next_due);
  return repository.events(need.events);
}

function timers(repository, method, need) {
  if (typeof repository[method] === 'function') return repository[method](need);
  throw refusal('unsupported_change', { part: 'timers' });
}

function checked(found, length) {
  if (!Array.isArray(found) || found.length !== length) {
    throw new TypeError('`get` gives one record or null for each key, in the keys\' order');
  }
  return found.map((record) => record ?? null);
}

function failed(cause) {
  if (isCrmError(cause)) {
    const { kind, code, details, retryable } = cause;
    return { kind, code, details, retryable };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = typeof cause?.code === 'string' ? cause.code : 'storage_failed';
  return { kind: 'storage', code, message, retryable: cause?.retryable === true };
}
