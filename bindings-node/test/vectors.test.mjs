import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';

import * as crm from 'crm-core';
import { counts, vectorFiles } from './files.mjs';
import { MemoryStore, later } from './store.mjs';
import { canonical, requestOf, runFile } from './vectors.mjs';

const native = createRequire(import.meta.url)('../native.cjs');

test('every golden vector gives its answer, byte for byte', async () => {
  let steps = 0;
  const failures = [];
  const files = vectorFiles();
  for (const { path, file } of files) {
    const ended = await runFile(native, path, file);
    steps += ended.steps;
    failures.push(...ended.failures);
  }
  assert.deepEqual(failures, []);
  assert.equal(files.length, counts().files);
  assert.equal(steps, counts().steps);
});

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

// One step through the façade: what a user calls, told as the engine tells it.
async function through(engine, file, step) {
  const { op, input, context, explain = 'codes', wire, facts, ...envelope } = requestOf(file, step);
  const options = { ...context, ...envelope, explain };
  const [area, method] = op.split('.').map(camel);
  try {
    const given = op === 'batch'
      ? await engine.batch(input.requests, { ...options, atomic: input.atomic })
      : step.mode === 'pure' ? crm[area][method](input, options) : await engine[area][method](input, options);
    if (op === 'batch') return { ok: true, value: { results: given } };
    return explain === 'none' ? { ok: true, value: given } : { ok: true, ...given };
  } catch (error) {
    if (!crm.isCrmError(error)) throw error;
    // What a repository of the user's refuses carries its words as `reason`.
    const { kind, code, path, details: { reason: _, ...details } } = error;
    return { ok: false, error: { kind, code, path, details } };
  }
}

function told(expected) {
  if (!expected.ok) {
    const { kind, code, path, details: { reason: _, ...details } } = expected.error;
    return { ok: false, error: { kind, code, path, details } };
  }
  return { ...expected, ...(expected.value.results === undefined ? {} : { reasons: undefined }) };
}

const same = (given) => canonical(JSON.parse(JSON.stringify({ ...given, reasons: given.reasons ?? [] })));

const folder = mkdtempSync(join(tmpdir(), 'crm-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const engines = {
  'an engine in memory': () => crm.Crm.inMemory(),
  'a repository of values': () => new crm.Crm({ repository: new MemoryStore() }),
  'a repository of Promises': () => new crm.Crm({ repository: later(new MemoryStore()) }),
  'an SQLite file': () => crm.Crm.open(`sqlite:${join(folder, `${(made += 1)}.db`)}`, { durability: 'process' }),
};

for (const [name, open] of Object.entries(engines)) {
  test(`the façade over ${name} gives what the engine answers`, async () => {
    let compared = 0;
    for (const { path, file } of vectorFiles()) {
      const engine = await open();
      for (const [place, step] of file.steps.entries()) {
        if (!isForFaçade(engine, step)) continue;
        compared += 1;
        assert.equal(same(await through(engine, file, step)), same(told(step.expect)), `${path} step ${place}`);
      }
      engine.close();
    }
    assert.ok(compared > 150, `${compared} steps are enough to compare`);
  });
}

function isForFaçade(engine, step) {
  const [area, method] = (step.op ?? '').split('.').map(camel);
  const has = step.op === 'batch' ? Array.isArray(step.input.requests) : typeof engine[area]?.[method] === 'function';
  const wellFormed = step.wire === undefined && step.input !== null && typeof step.input === 'object' && !Array.isArray(step.input);
  if (!['engine', 'pure', undefined].includes(step.mode) || !has || !wellFormed) return false;
  if (step.mode === 'pure' && crm[area]?.[method] === undefined) return false;
  // The façade gives the time and the entropy that a request lacks, so it never hears that they are missing.
  return step.expect.error?.code !== 'missing_context';
}
