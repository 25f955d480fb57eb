// The files of the golden vectors.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../tests/vectors/', import.meta.url));

/** Every file of vectors, with its path below the folder. */
export function vectorFiles() {
  const paths = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.json') && path !== 'manifest.json').sort();
  return paths.map((path) => ({ path, file: JSON.parse(readFileSync(`${folder}${path}`, 'utf8')) }));
}

/** What the manifest counts. */
export function counts() {
  return JSON.parse(readFileSync(`${folder}manifest.json`, 'utf8')).counts;
}
