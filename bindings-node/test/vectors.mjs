// Runs golden vectors over a binding's own functions: the same code under Node, under WebAssembly and in the browser.

/** The envelope fields that a step may carry, as in `tests/vectors/README.md`. */
const FIELDS = ['input', 'wire', 'explain', 'idempotency_key', 'expect_version', 'facts', 'store'];

/** A step's request. */
export function requestOf(file, step) {
  const request = { op: step.op, context: { ...file.context, ...step.context } };
  if (file.config !== undefined) request.config = file.config;
  for (const name of FIELDS) if (step[name] !== undefined) request[name] = step[name];
  return request;
}

async function sha256(text) {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A value's text with sorted names, by which two values are compared exactly. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

function withoutHandle(text) {
  const { handle, ...value } = JSON.parse(text);
  return { handle, value };
}

async function run(native, engine, file, step) {
  const request = JSON.stringify(requestOf(file, step));
  const mode = step.mode ?? 'engine';
  if (mode === 'steps') {
    let { handle, value } = withoutHandle(native.begin(request));
    const all = [value];
    for (const answers of step.answers) {
      const next = withoutHandle(native.resume(handle ?? 0, JSON.stringify(answers)));
      handle = next.handle;
      value = next.value;
      all.push(value);
    }
    return { answer: all, text: canonical(value) };
  }
  const text = mode === 'engine' ? await native.callOn(engine, request)
    : mode === 'pure' ? native.call(request)
      : mode === 'text' ? native.call(step.request)
        : mode === 'decide' ? native.decide(request)
          : undefined;
  return { answer: JSON.parse(text), text };
}

/**
 * Runs a file of vectors over one engine in memory and gives how many steps ran and which differ.
 *
 * With `small` only the steps run that the smallest build has; without `sql` those of a caller that executes statements must be refused.
 */
export async function runFile(native, path, file, { small = false, sql = true } = {}) {
  const failures = [];
  let steps = 0;
  const engine = small ? undefined : native.openMemory(false);
  for (const [place, step] of file.steps.entries()) {
    const has = ['pure', 'text'].includes(step.mode) && (file.small === true || step.small === true);
    if (small && !has) continue;
    steps += 1;
    if (!sql && step.store?.sql !== undefined) {
      const { error } = JSON.parse(native.begin(JSON.stringify(requestOf(file, step)))).done ?? {};
      if (error?.code !== 'not_in_this_build') failures.push(`${path} step ${place}: without statements it answered ${canonical(error)}`);
      continue;
    }
    const { answer, text } = await run(native, engine, file, step);
    if (canonical(answer) !== canonical(step.expect)) failures.push(`${path} step ${place}: expected ${canonical(step.expect)}, answered ${canonical(answer)}`);
    else if ((await sha256(text)) !== step.sha256) failures.push(`${path} step ${place}: the same answer in other bytes: ${text}`);
  }
  if (engine !== undefined) native.close(engine);
  return { steps, failures };
}
