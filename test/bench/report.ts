import type { FilterDecisions } from './filter-decisions.ts';
import type { JudgeTokens } from './judge-tokens.ts';
import type { Throughput } from './local-throughput.ts';
import type { OwnWork } from './own-work.ts';
import { printBackfills } from './report-backfills.ts';
import { printJudging, printTokens } from './report-judging.ts';
import { check, heading, line } from './report-lines.ts';
import { printReads } from './report-reads.ts';
import type { BackfillFigures } from './run-backfills.ts';
import type { JudgingFigures } from './run-judging.ts';
import type { PipelineResult } from './run-pipeline.ts';
import type { ReadsResult } from './run-reads.ts';
import type { SandboxFigures } from './sandboxes.ts';

export interface Report {
  readonly pipelines: readonly {
    readonly workload: string;
    readonly source: string;
    readonly unsampled: PipelineResult;
    readonly sampled: PipelineResult;
    readonly own: OwnWork;
  }[];
  readonly functions: readonly { readonly name: string; readonly initCpuMs: number; readonly bundleBytes: number }[];
  readonly filters: readonly FilterDecisions[];
  /** By the size of the store, ascending. */
  readonly reads: readonly ReadsResult[];
  readonly backfills: BackfillFigures;
  readonly cost: {
    /** US$ by part. */
    readonly perMillionAt20: Readonly<Record<string, number>>;
    readonly perMillionAt1: Readonly<Record<string, number>>;
    readonly perMillionSampled: Readonly<Record<string, number>>;
    readonly atRestPerMonth: Readonly<Record<string, number>>;
  };
  readonly judging: JudgingFigures;
  /** Absent where the trajectories are not at hand. */
  readonly judgeTokens?: JudgeTokens | undefined;
  readonly sandboxes: SandboxFigures;
  readonly local?: Throughput;
}

/** What was set out to be reached, at 20 KB a trace and 20 traces a request. */
const goals = {
  receiveCpuMs: 0.15,
  receiveAndIndexCpuMs: 1.5,
  ownCpuMs: 0.8,
  writeUnits: 5,
  costPerMillion: 4,
  initCpuMs: 300,
  bundleBytes: 1_500_000,
  javascriptCallMs: 3,
  filterDecisionsPerSecond: 1_000_000,
};

export function printReport(report: Report): void {
  const { pipelines, functions, filters, reads, cost, local } = report;
  heading(`CPU ms a trace (bodies: ${pipelines[0]?.source})`);
  for (const { workload, unsampled, sampled, own } of pipelines) {
    const [receive, index] = [cpuOf(unsampled, 'receive-traces'), cpuOf(unsampled, 'index-traces')];
    const isGoal = workload === '20 KB';
    line(workload, [
      `receive ${receive.toFixed(3)}${isGoal ? check(receive <= goals.receiveCpuMs) : ''}`,
      `index ${index.toFixed(3)}`,
      `together ${(receive + index).toFixed(3)}${isGoal ? check(receive + index <= goals.receiveAndIndexCpuMs) : ''}`,
      `outside AWS calls ${(own.receive + own.index).toFixed(3)}${isGoal ? check(own.receive + own.index <= goals.ownCpuMs) : ''}`,
      `10 % sampled: index ${cpuOf(sampled, 'index-traces').toFixed(3)}, score ${cpuOf(sampled, 'run-scorers').toFixed(3)}`,
    ]);
  }
  heading('per 1,000 traces');
  for (const { workload, unsampled } of pipelines) {
    const units = (unsampled.writeUnits / unsampled.traces) * 1000;
    line(workload, [
      `write units ${units.toFixed(0)}${workload === '20 KB' ? check(units / 1000 <= goals.writeUnits) : ''}`,
      `read units ${((unsampled.readUnits / unsampled.traces) * 1000).toFixed(1)}`,
      `stored ${(unsampled.storedBytes / unsampled.traces).toFixed(0)} bytes a trace`,
    ]);
    for (const [call, { calls }] of Object.entries(unsampled.calls).toSorted()) {
      console.log(`      ${call.padEnd(34)} ${((calls / unsampled.traces) * 1000).toFixed(1)}`);
    }
  }
  heading('US$, list prices, without model calls');
  const prices: readonly [string, Readonly<Record<string, number>>][] = [
    ['a million traces, 20 a request', cost.perMillionAt20],
    ['a million traces, 1 a request', cost.perMillionAt1],
    ['the same at 20, a tenth scored by 3 heuristics', cost.perMillionSampled],
    ['at rest, a month', cost.atRestPerMonth],
  ];
  for (const [what, parts] of prices) {
    const total = sum(parts);
    const goal = what.endsWith('20 a request') ? check(total <= goals.costPerMillion) : '';
    line(what, [
      `${total.toFixed(2)}${goal}`,
      Object.entries(parts)
        .map(([part, value]) => `${part} ${value.toFixed(2)}`)
        .join(', '),
    ]);
  }
  heading('functions');
  for (const { name, initCpuMs, bundleBytes } of functions) {
    line(name, [
      `init ${initCpuMs.toFixed(0)} ms CPU${check(initCpuMs < goals.initCpuMs)}`,
      `bundle ${(bundleBytes / 1000).toFixed(0)} KB${check(bundleBytes < goals.bundleBytes)}`,
    ]);
  }
  heading('filter decisions a second and core');
  for (const [i, { filter, perSecond }] of filters.entries()) {
    const isGoal = i === 0;
    line(`${(perSecond / 1e6).toFixed(2)} million${isGoal ? check(perSecond >= goals.filterDecisionsPerSecond) : ''}`, [
      filter,
    ]);
  }
  printReads(reads);
  printBackfills(report.backfills);
  printJudging(report.judging);
  printTokens(report.judgeTokens);
  printSandboxes(report.sandboxes);
  if (!local) return;
  heading(`local stack, ${local.workload} a trace`);
  line('traces a second', [
    `accepted ${local.acceptedPerSecond.toFixed(0)}`,
    `indexed and archived ${local.indexedPerSecond.toFixed(0)}`,
  ]);
}

function printSandboxes({ javascript, python }: SandboxFigures): void {
  heading("users' code, wall ms");
  line('JavaScript', [`first call ${javascript.firstMs.toFixed(0)}`]);
  for (const { kb, untouchedMs, walkedMs } of javascript.calls) {
    line(`  ${kb} KB a trace`, [
      `${untouchedMs.toFixed(2)}${check(untouchedMs <= goals.javascriptCallMs)}`,
      `walking the spans ${walkedMs.toFixed(2)}${check(walkedMs <= goals.javascriptCallMs)}`,
    ]);
  }
  line('Python', [
    `initialisation ${python.startMs.toFixed(0)}`,
    `call ${python.callMs.toFixed(0)}`,
    `call with an interpreter ready ${python.readyMs.toFixed(0)}`,
  ]);
}

function cpuOf({ stages }: PipelineResult, name: string): number {
  return stages[name]?.cpuMsPerTrace ?? 0;
}

function sum(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((total, value) => total + value, 0);
}
