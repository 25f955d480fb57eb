'use strict';
// The compiled add-on: beside this file, or in the package for this platform.

const NAMES = {
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
  'linux-arm64': 'linux-arm64-gnu',
  'linux-x64': 'linux-x64-gnu',
  'win32-arm64': 'win32-arm64-msvc',
  'win32-x64': 'win32-x64-msvc',
};

function platform() {
  const known = NAMES[`${process.platform}-${process.arch}`];
  const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return isMusl ? known?.replace('gnu', 'musl') : known;
}

function load() {
  const name = platform() ?? `${process.platform}-${process.arch}`;
  const failures = [];
  for (const place of [`./crm-core.${name}.node`, `crm-core-${name}`]) {
    try {
      return require(place);
    } catch (error) {
      failures.push(`${place}: ${error.message.split('\n')[0]}`);
    }
  }
  throw new Error(`crm-core has no add-on for ${name}: build it with \`napi build\`, or use crm-core-wasm\n${failures.join('\n')}`);
}

module.exports = load();
