// SQLite behind three functions; the app's own driver (better-sqlite3, pg, mysql2) would stand here.

import initSqlJs from 'sql.js';

export async function openDatabase(schema) {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.exec(schema);
  const all = (text, params = []) => {
    const statement = database.prepare(text, params);
    const rows = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    return rows;
  };
  const run = (text, params = []) => {
    database.run(text, params);
    return database.getRowsModified();
  };
  const transaction = (write) => {
    database.exec('BEGIN');
    try {
      write();
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  return { all, run, transaction };
}
