'use strict';
// Answers requests with a JavaScript package: `node answer.cjs PACKAGE REQUESTS ANSWERS`, a line each.

const { readFileSync, writeFileSync } = require('node:fs');
const { resolve } = require('node:path');

const [packagePath, requests, answers] = process.argv.slice(2);
const { callJson } = require(resolve(packagePath));
const lines = readFileSync(requests, 'utf8').split('\n').slice(0, -1);
writeFileSync(answers, lines.map((request) => callJson(request) + '\n').join(''));
