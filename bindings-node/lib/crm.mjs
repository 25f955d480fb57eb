// `Crm`: every operation as a method that gives a Promise, over an engine of the binding or a repository of the caller's.

import { read, refusal } from './error.mjs';
import { every } from './operations.mjs';
import { fielded, shaped, storedRequest } from './request.mjs';
import { drive } from './steps.mjs';

/** Makes the `Crm` class of a binding. */
export function crmOf(native) {
  // What a handle's number stands for; handles themselves hold plain data alone, so that they survive cloning and proxies.
  const table = new Map();
  let made = 0;

  function enrol(entry) {
    made += 1;
    table.set(made, { ...entry, generation: native.generation() });
    return made;
  }

  async function run(crm, op, input, options) {
    const merged = { ...crm.options, ...options };
    const request = storedRequest(op, input, merged);
    const entry = table.get(crm.handle);
    if (entry === undefined) throw refusal('unknown_engine', { engine: crm.handle ?? null });
    if (entry.repository !== undefined) return shaped(await drive(native, entry.repository, request, merged.signal), merged.explain);
    merged.signal?.throwIfAborted();
    if (entry.generation !== native.generation()) throw refusal('engine_crashed', {});
    return shaped(read(await native.callOn(entry.engine, request)), merged.explain);
  }

  class Crm {
    constructor(options) {
      const { repository, from, ...context } = options ?? {};
      if (from !== undefined) {
        this.handle = from.handle;
        this.options = Object.freeze({ ...from.options, ...context });
      } else {
        const keeps = ['get', 'find', 'commit'].every((method) => typeof repository?.[method] === 'function');
        if (!keeps && typeof repository?.execute !== 'function') {
          throw new TypeError('`new Crm({repository})` takes an object with `get`, `find`, `commit` and `events`, or one that executes SQL; or use `Crm.inMemory()` or `Crm.open(url)`');
        }
        this.handle = enrol({ repository });
        this.options = Object.freeze(context);
      }
      Object.freeze(this);
    }

    static inMemory(options = {}) {
      return new Crm({ ...options, from: { handle: enrol({ engine: native.openMemory() }) } });
    }

    static async open(url, options = {}) {
      if (native.open === undefined) throw refusal('unsupported_url', { url, hint: { code: 'opens_no_files', params: {} } });
      const { durability = 'power', busy_timeout = 5000, ...context } = options;
      const { value } = read(await native.open(url, durability, busy_timeout));
      return new Crm({ ...context, from: { handle: enrol({ engine: value }) } });
    }

    /** A handle again, from what a clone or a proxy made of one, in the same thread. */
    static from(data) {
      return new Crm({ from: { handle: data.handle, options: data.options } });
    }

    /** The same engine with other options: `now`, `actor`, `zone`, `tenant` and the like, `config`, `explain`. */
    at(options) {
      return new Crm({ ...options, from: { handle: this.handle, options: this.options } });
    }

    /** Several operations: all in one commit, or with `atomic: false` each by itself. */
    async batch(requests, options = {}) {
      const { atomic = true, ...rest } = options;
      const explain = rest.explain ?? this.options.explain ?? 'none';
      const { results } = await run(this, 'batch', { atomic, requests }, { ...rest, explain }).then((answer) => (explain === 'none' ? answer : answer.value));
      return results;
    }

    /** Closes the engine; a second time does nothing. Operations that run already end. */
    close() {
      const entry = table.get(this.handle);
      if (entry === undefined) return;
      table.delete(this.handle);
      if (entry.engine !== undefined && entry.generation === native.generation()) native.close(entry.engine);
    }
  }

  for (const [area, methods] of Object.entries(every)) {
    const Area = areaOf(methods, run);
    Object.defineProperty(Crm.prototype, area, {
      get() {
        return new Area(this);
      },
    });
  }
  return Crm;
}

function areaOf(methods, run) {
  class Area {
    constructor(crm) {
      Object.defineProperty(this, 'crm', { value: crm });
      Object.freeze(this);
    }
  }
  for (const [method, [op, , required]] of Object.entries(methods)) {
    Area.prototype[method] = async function operation(input, options) {
      return run(this.crm, op, fielded(input, required), options);
    };
  }
  return Area;
}
