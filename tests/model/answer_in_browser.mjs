// Answers requests in headless Chromium: `node answer_in_browser.mjs PACKAGE REQUESTS ANSWERS`, a line each.

import { openSync, readFileSync, writeSync } from 'node:fs';

import { openPage, serve } from '../../bindings-wasm/test/browser.mjs';

const AT_ONCE = 2_000; // keeps what goes to the page and back to a few megabytes

const [packagePath, requests, answers] = process.argv.slice(2);
const lines = readFileSync(requests, 'utf8').split('\n').slice(0, -1);
const file = openSync(answers, 'w');

const server = await serve();
const { page, complaints, close } = await openPage();
try {
  await page.goto(`${server.address}/empty.html`);
  await page.evaluate(async (path) => {
    const { init, callJson } = await import(path);
    await init();
    globalThis.callJson = callJson;
  }, `/${packagePath}`);
  for (let start = 0; start < lines.length; start += AT_ONCE) {
    const some = await page.evaluate((texts) => texts.map((text) => globalThis.callJson(text)), lines.slice(start, start + AT_ONCE));
    writeSync(file, some.map((answer) => answer + '\n').join(''));
  }
  if (complaints.length > 0) throw new Error(`the page complains: ${complaints.join('; ')}`);
} finally {
  await close();
  await server.close();
}
