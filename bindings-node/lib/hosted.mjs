// What can be done with a store of the caller's beside running operations over it.

import { accept } from './error.mjs';
import { write } from './exact.mjs';
import { entropy } from './request.mjs';
import { drive } from './steps.mjs';

/** Makes the function that puts a repository to the promises that the engine relies upon. */
export function conformanceOf(native) {
  return async function conformance(repository, options = {}) {
    const prefix = options.prefix ?? `conformance-${entropy()}.`;
    const { value: report } = await drive(native, repository, write({ op: 'store.conformance', input: { prefix } }));
    if (report.ran.length === 0) throw new Error('no check was run');
    if (report.broken.length > 0) {
      const lines = report.broken.map(({ check, found }) => `\n  \`${check}\`: ${found}`);
      throw Object.assign(new Error(`promises that are not kept: ${lines.length}${lines.join('')}`), { report });
    }
    return report;
  };
}

/** Makes the functions about the engine's tables and views in a database of the caller's. */
export function tablesOf(native) {
  const given = (request) => accept(JSON.parse(native.begin(write(request))).done).value.statements;
  return {
    /** Makes the tables, or brings older ones up to date. */
    async createTables(repository) {
      return (await drive(native, repository, '{"op":"store.create_tables"}')).value;
    },
    /** The statements that make them, for migrations of the caller's own. */
    tables(sql, layout = null) {
      return given({ op: 'store.tables', input: { sql, layout } });
    },
    /** Makes the views for plain SQL, and replaces those that changed. */
    async createViews(repository, { config } = {}) {
      return (await drive(native, repository, write({ op: 'store.create_views', config, input: {} }))).value;
    },
    /** The statements that make them, for migrations of the caller's own. */
    views(sql, { config } = {}) {
      return given({ op: 'store.views', config, input: { sql } });
    },
  };
}
