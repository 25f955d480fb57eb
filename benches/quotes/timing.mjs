// Times contenders against each other, in Node and in a browser alike: block by block, one after the other, so that whatever the
// machine does in the meantime meets all of them.

const middle = (numbers) => numbers.slice().sort((a, b) => a - b)[numbers.length >> 1];

/**
 * Runs all contenders over their inputs in interleaved rounds of about `budget` milliseconds a block. Gives for each the median
 * microseconds an input, the median ratio to the first contender, and the sum of the totals of its answers in cents.
 *
 * A contender is `{ name, inputs, run, total, wait }`: `total` reads the total of an answer, `wait` says that `run` gives a Promise.
 */
export async function race(contenders, { rounds, budget, now }) {
  const field = [];
  for (const { name, inputs, run, total, wait } of contenders) {
    let sum = 0n;
    for (const input of inputs) sum += BigInt(Math.round(Number(total(await run(input))) * 100));
    const block = async (turns) => {
      const start = now();
      for (let turn = 0; turn < turns; turn++) {
        if (wait) for (const input of inputs) await run(input);
        else for (const input of inputs) run(input);
      }
      return ((now() - start) * 1000) / (turns * inputs.length);
    };
    // Warm, and find out how many turns fill the budget.
    const first = await block(Math.ceil(200 / inputs.length));
    const turns = Math.max(1, Math.round((budget * 1000) / (first * inputs.length)));
    await block(turns);
    field.push({ name, block, turns, times: [], sum });
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of field) one.times.push(await one.block(one.turns));
  }
  const [ours] = field;
  return field.map(({ name, times, sum }) => ({
    name,
    micros: middle(times),
    // The median of the ratios of one round, not the ratio of medians: a slow moment meets both.
    ratio: middle(times.map((time, round) => time / ours.times[round])),
    checksum: String(sum),
  }));
}
