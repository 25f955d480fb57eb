// `POST /deals/7/move {"to": "offer"}`, as an Express route would do it.

import { createServer } from 'node:http';

import { isCrmError } from 'crm-core';
import { moveDeal } from './move.mjs';

const STATUS = { validation: 400, not_found: 404, conflict: 409, invalid_transition: 422, forbidden: 403 };

export function serverOf(db) {
  return createServer(async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const [, id] = /^\/deals\/(\w+)\/move$/.exec(request.url) ?? [];
    if (request.method !== 'POST' || id === undefined) return answer(404, { error: 'no such page' });
    try {
      const { to } = JSON.parse(Buffer.concat(await request.toArray()).toString());
      return answer(200, await moveDeal(db, id, to, request.headers['x-user'] ?? 'nobody'));
    } catch (error) {
      if (!isCrmError(error)) return answer(500, { error: error.message });
      const { code, message, details } = error;
      return answer(STATUS[error.kind] ?? 500, { code, message, details });
    }
  });
}
