// An instance that a trap cannot poison: after one, a new instance takes its place and `engine_crashed` is thrown.

import { refusal } from './error.mjs';

/**
 * Wraps a build's functions.
 *
 * `restart` makes a new instance; a build that cannot says so by throwing, and every later call is refused. `isLoaded` says whether
 * there is an instance at all.
 */
export function guarded(functions, restart, isLoaded = () => true) {
  let generation = 0;
  let dead;
  const native = { generation: () => generation };
  for (const [name, method] of Object.entries(functions)) {
    native[name] = (...given) => {
      if (!isLoaded()) throw new Error('the module is not loaded: `await init()` first');
      if (dead !== undefined) throw refusal('engine_crashed', {}, '', { cause: dead });
      try {
        return method(...given);
      } catch (cause) {
        // Texts and numbers go in and texts come out, so whatever is thrown is a trap: memory and stack of the instance are lost.
        generation += 1;
        try {
          restart();
        } catch {
          dead = cause;
        }
        throw refusal('engine_crashed', {}, '', { cause });
      }
    };
  }
  return native;
}
