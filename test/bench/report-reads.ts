import { check, heading, line } from './report-lines.ts';
import type { ReadResult, ReadsResult } from './run-reads.ts';

/** Independent of the size of the store: what is above is more than the noise of a machine that does other things as well. */
const maxGrowth = 1.25;

/** One line a kind of read: CPU at each size of the store, how it grows, and what it calls. */
export function printReads(results: readonly ReadsResult[]): void {
  const [first, last] = [results[0], results.at(-1)];
  if (!first || !last) return;
  heading(`reads, CPU ms a request with ${results.map(({ stored }) => thousands(stored)).join(', ')} traces stored`);
  for (const [i, { name, goalCpuMs, calls, readUnits, answerBytes }] of last.reads.entries()) {
    const times = results.map(({ reads }) => reads[i] as ReadResult).map(({ cpuMs }) => cpuMs);
    const growth = (times.at(-1) ?? 0) / (times[0] ?? 1);
    line(name.padEnd(22), [
      `${times.map((ms) => ms.toFixed(2)).join(', ')}${check(Math.max(...times) <= goalCpuMs)}`,
      `last to first ${growth.toFixed(2)}${check(growth <= maxGrowth)}`,
      `AWS calls ${callsText(calls)}`,
      `read units ${readUnits.toFixed(1)}`,
      `answer ${(answerBytes / 1000).toFixed(0)} KB`,
    ]);
  }
  heading('a search that no index serves and nothing matches, page by page to its end');
  for (const { stored, fruitless } of results) {
    line(`${thousands(stored)} traces`.padEnd(22), [
      `pages ${fruitless.pages}`,
      `CPU ms ${fruitless.cpuMs.toFixed(0)}`,
      `a page at most ${fruitless.maxPageCpuMs.toFixed(0)} ms and ${fruitless.maxPageCalls} AWS calls`,
    ]);
  }
  console.log(`  stored items of ${last.itemBytes.toFixed(0)} bytes on average`);
}

function callsText(calls: ReadResult['calls']): string {
  return Object.entries(calls)
    .toSorted()
    .map(([call, count]) => `${call.split('.')[1]} ${Number(count.toFixed(1))}`)
    .join(', ');
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}
