// A stage move on the app's own table: crm-core decides, the app's SQL writes. Nothing of crm-core is stored.

import { decideWith } from 'crm-core';

// The app's own rules: a deal needs a value before it is offered.
export const RULES = {
  version: 1,
  currency: 'EUR',
  pipelines: [{
    id: 'sales',
    stages: [
      { id: 'lead', kind: 'open', probability: 10, moves: ['offer', 'lost'] },
      { id: 'offer', kind: 'open', probability: 60, requires: ['amount'] },
      { id: 'won', kind: 'won' },
      { id: 'lost', kind: 'lost' },
    ],
  }],
};

/** Moves a deal: reads the row, decides, writes the row, its history and the event in one transaction. */
export async function moveDeal(db, id, to, actor) {
  const opportunity = (wanted) => {
    const [row] = db.all('SELECT * FROM deals WHERE id = ?', [wanted]);
    if (row === undefined) return null;
    const history = db.all('SELECT stage, kind, entered_at, recorded_at, actor FROM deal_moves WHERE deal_id = ?', [wanted]);
    const { title: name, stage, status, value: amount } = row;
    const money = amount === null ? {} : { amount, currency: 'EUR' };
    return { version: row.lock_version, body: { name, pipeline: 'sales', stage, status, ...money, history } };
  };
  const { value, changes } = await decideWith('opportunities.advance', { id, to }, { opportunity }, { actor, config: RULES });
  db.transaction(() => {
    for (const { record, expect } of changes.puts) {
      const { stage, status, history } = record.body;
      const guarded = 'UPDATE deals SET stage = ?, status = ?, lock_version = lock_version + 1 WHERE id = ? AND lock_version = ?';
      if (db.run(guarded, [stage, status, record.id, expect.version]) !== 1) throw new Error('the deal was changed meanwhile');
      const { kind, entered_at, recorded_at } = history.at(-1);
      db.run('INSERT INTO deal_moves VALUES (?, ?, ?, ?, ?, ?)', [record.id, stage, kind, entered_at, recorded_at, actor]);
    }
    for (const event of changes.events) db.run('INSERT INTO outbox (kind, event) VALUES (?, ?)', [event.kind, JSON.stringify(event)]);
  });
  return value;
}
