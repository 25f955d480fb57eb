// The envelope: what goes to the engine around an operation's input.

import { refusal } from './error.mjs';
import { exactly, write } from './exact.mjs';

const ENVELOPE = new Set(['config', 'explain', 'expect_version', 'idempotency_key']);
const CONTEXT = new Set(['tenant', 'now', 'zone', 'actor', 'seed', 'locale', 'correlation', 'quiet_until']);

/**
 * Options in two parts: the context, and the rest of the envelope, without reasons unless asked for.
 *
 * A misspelt option reaches the engine, which refuses it; then nothing is filled in that it could be meant for.
 */
function split(options) {
  const context = {};
  const envelope = {};
  let misspelt = false;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || name === 'signal') continue;
    if (CONTEXT.has(name)) context[name] = value;
    else envelope[name] = value;
    misspelt ||= !CONTEXT.has(name) && !ENVELOPE.has(name);
  }
  if (!misspelt) envelope.explain ??= 'none';
  return { context, envelope };
}

/** An operation's input; a text stands for the one field that it must be given. */
export function fielded(input, required) {
  if (typeof input !== 'string') return input;
  if (required.length === 1) return { [required[0]]: input };
  const example = `\`{ ${required.map((name) => `${name}: ..`).join(', ')} }\``;
  const expected = { code: 'fields_such_as', params: { example } };
  throw refusal('wrong_type', { expected, found: 'a string' });
}

/** Writes a request for an operation that needs no store. No clock and no entropy: what it needs of them is given. */
export function pureRequest(op, input, options) {
  if (options === undefined) return `{"op":"${op}","explain":"none","input":${write(input ?? {})}}`;
  const { context, envelope } = split(options);
  return enveloped(envelope, op, context, input);
}

/** Writes a request for an operation on records: the time and the entropy are the host's unless given. */
export function storedRequest(op, input, options, more = undefined) {
  const { context, envelope } = split(options);
  context.now ??= new Date();
  context.seed ??= entropy();
  return enveloped({ ...envelope, ...more }, op, context, input);
}

// Each part by itself, so that a refused value's place begins where the engine's places begin.
function enveloped(envelope, op, context, input) {
  return JSON.stringify({ ...exactly(envelope), op, context: exactly(context), input: exactly(input ?? {}) });
}

/** 128 bits from the host, in hexadecimal. */
export function entropy() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** An answer as the caller wants it: the value, or with its reasons when they were asked for. */
export function shaped(answer, explain) {
  if (explain === undefined || explain === 'none') return answer.value;
  return { value: answer.value, reasons: answer.reasons ?? [] };
}
