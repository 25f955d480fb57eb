import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const packages = { 'crm-core': new URL('../', import.meta.url) };

test('the examples of the package\'s read-me file run as they stand', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crm-readme-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    for (const [name, place] of Object.entries(packages)) symlinkSync(fileURLToPath(place), join(folder, 'node_modules', name));
    const blocks = [...readFileSync(new URL('../README.md', import.meta.url), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, text]) => text);
    assert.ok(blocks.length > 0);
    for (const [place, text] of blocks.entries()) {
      const file = join(folder, `example${place}.mjs`);
      writeFileSync(file, text);
      const run = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
      assert.equal(run.status, 0, run.stderr);
      assert.match(run.stdout, /^\d+\.\d\d\n/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
