import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';

import { counts, vectorFiles } from '../../bindings-node/test/files.mjs';
import { runFile } from '../../bindings-node/test/vectors.mjs';

const require = createRequire(import.meta.url);

for (const build of ['full', 'check']) {
  test(`the build \`${build}\` gives every golden vector's answer, byte for byte`, async () => {
    const glue = require(`../pkg/${build}/nodejs/bindings_wasm.js`);
    const failures = [];
    let steps = 0;
    for (const { path, file } of vectorFiles()) {
      const ended = await runFile(glue, path, file);
      steps += ended.steps;
      failures.push(...ended.failures);
    }
    assert.deepEqual(failures, []);
    assert.equal(steps, counts().steps);
  });
}

test('the build `price` gives the answers of its operations, byte for byte', async () => {
  const glue = require('../pkg/price/nodejs/bindings_wasm.js');
  const failures = [];
  let steps = 0;
  for (const { path, file } of vectorFiles()) {
    const ended = await runFile(glue, path, file, { small: true });
    steps += ended.steps;
    failures.push(...ended.failures);
  }
  assert.deepEqual(failures, []);
  assert.ok(steps >= 20, `${steps} steps are for this build`);
});
