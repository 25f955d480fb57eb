// `Crm`: every operation as a method that gives a Promise, over an engine of the binding or a repository of the caller's.

import { accept, read, refusal } from './error.mjs';
import { write } from './exact.mjs';
import { every } from './operations.mjs';
import { fielded, shaped, storedRequest } from './request.mjs';
import { described, drive } from './steps.mjs';

// The longest wait for a lock: SQLite counts milliseconds in 31 bits.
const LONGEST = 2147483647;

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

  // A wrong mapping of tables is refused here, not at the first operation.
  function mapped(repository) {
    const asked = described(repository, false, write({ op: 'store.tables', input: { sql: repository.sql } }));
    accept(read(native.begin(asked)).done);
  }

  async function run(crm, op, input, options) {
    const merged = { ...crm.options, ...options };
    const request = storedRequest(op, input, merged);
    const entry = table.get(crm.handle);
    if (entry === undefined) throw refusal('unknown_engine', { engine: crm.handle ?? null });
    if (entry.repository !== undefined) {
      const { repository, history } = entry;
      return shaped(await drive(native, repository, request, { signal: merged.signal, history }), merged.explain);
    }
    merged.signal?.throwIfAborted();
    if (entry.generation !== native.generation()) throw refusal('engine_crashed', {});
    return shaped(read(await native.callOn(entry.engine, request)), merged.explain);
  }

  // What is done with the file of an engine, or with files that nobody has open, and is no operation.
  async function filed(crm, command, paths) {
    const entry = crm && table.get(crm.handle);
    if (crm !== undefined && entry === undefined) throw refusal('unknown_engine', { engine: crm.handle ?? null });
    if (native.file === undefined || entry?.repository !== undefined) throw refusal('unsupported_change', { part: command });
    return read(await native.file(entry?.engine, write({ [command]: paths }))).value;
  }

  class Crm {
    constructor(options) {
      const { repository, history = false, from, ...context } = options ?? {};
      if (from !== undefined) {
        this.handle = from.handle;
        this.options = Object.freeze({ ...from.options, ...context });
      } else {
        const keeps = ['get', 'find', 'commit'].every((method) => typeof repository?.[method] === 'function');
        if (!keeps && typeof repository?.execute !== 'function') {
          throw new TypeError('`new Crm({repository})` takes an object with `get`, `find`, `commit` and `events`, or one that executes SQL; or use `Crm.inMemory()` or `Crm.open(url)`');
        }
        if (repository.sql !== undefined && repository.tables !== undefined) mapped(repository);
        this.handle = enrol({ repository, history });
        this.options = Object.freeze(context);
      }
      Object.freeze(this);
    }

    static inMemory(options = {}) {
      const { history = false, ...context } = options;
      return new Crm({ ...context, from: { handle: enrol({ engine: native.openMemory(history) }) } });
    }

    static async open(url, options = {}) {
      if (native.open === undefined) {
        // What follows `//` may hold a password.
        throw refusal('unsupported_url', { url: url.replace(/:\/\/.*$/s, '://...'), hint: { code: 'opens_no_files', params: {} } });
      }
      const { durability = 'power', busy_timeout = 5000, history = false, ...context } = options;
      if (!(busy_timeout >= 0 && busy_timeout <= LONGEST)) {
        throw refusal('number_out_of_range', { value: String(busy_timeout), minimum: 0, maximum: LONGEST }, 'busy_timeout');
      }
      const { value } = read(await native.open(url, durability, busy_timeout / 1000, history));
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

    /** Writes everything, as of one moment, into a new SQLite file that any library may open. */
    async exportSnapshot(target) {
      await filed(this, 'export_snapshot', { target });
    }

    /** Writes a backup as of one moment while the store is in use, reads it back whole and says what is in it. */
    async backup(target) {
      return filed(this, 'backup', { target });
    }

    /** Puts a verified copy of a backup where a store is to be opened; a file that is there is never written over. */
    static async restore(backup, target) {
      return filed(undefined, 'restore', { backup, target });
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
