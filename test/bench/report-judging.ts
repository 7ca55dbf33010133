import type { JudgeTokens } from './judge-tokens.ts';
import { check, heading, line } from './report-lines.ts';
import type { JudgingFigures, JudgingResult } from './run-judging.ts';

/** Of 200 traces with a model of a second. */
const goals = {
  wallSeconds: 6,
  inFlight: 50,
  memoryMb: 512,
  cpuMs: 10,
  furtherJudgeCpuMs: 1.5,
  codeCpuMs: 4,
  tokenShare: 0.1,
};
/** MLflow 3.18's `evaluate` and `phoenix.evals` 20.26, the same rows and the same second: measured on a machine like this one. */
const anchors = 'MLflow 54 s, 22 in flight, 6 lost; Phoenix 69 s, 3 in flight';
const cpuAnchors = 'MLflow 150 ms a row';

export function printJudging({
  model,
  waiting,
  small,
  furtherJudgeCpuMs,
  code,
  furtherCodeCpuMs,
}: JudgingFigures): void {
  const { traces } = waiting;
  heading(
    `${traces} traces of 20 KB, one instance, one judge, a model that answers in ${model.delayMs} ms (${anchors})`,
  );
  line('a large heap', speed(waiting));
  line(`a heap of ${small.heapMb} MB`, speed(small));
  heading(`CPU ms a judged trace (${cpuAnchors})`);
  line('one judge', [
    `${waiting.cpuMsPerTrace.toFixed(2)}${check(waiting.cpuMsPerTrace <= goals.cpuMs)}`,
    `each further ${furtherJudgeCpuMs.toFixed(2)}${check(furtherJudgeCpuMs <= goals.furtherJudgeCpuMs)}`,
  ]);
  line('one code scorer', [
    `${code.cpuMsPerTrace.toFixed(2)}${check(code.cpuMsPerTrace <= goals.codeCpuMs)}`,
    `each further ${furtherCodeCpuMs.toFixed(2)}`,
    `traces a second ${(traces / code.wallSeconds).toFixed(0)}`,
  ]);
}

function speed({ traces, wallSeconds, mostInFlight, lost, peakBytes }: JudgingResult): readonly string[] {
  const peakMb = peakBytes / 2 ** 20;
  return [
    `${wallSeconds.toFixed(1)} s${check(wallSeconds <= goals.wallSeconds)}`,
    `traces a second ${(traces / wallSeconds).toFixed(0)}`,
    `in flight ${mostInFlight}${check(mostInFlight >= goals.inFlight)}`,
    `lost ${lost}${check(lost === 0)}`,
    `resident at most ${peakMb.toFixed(0)} MB${check(peakMb <= goals.memoryMb)}`,
  ];
}

export function printTokens(tokens: JudgeTokens | undefined): void {
  heading("tokens sent for an airline agent's trajectories");
  if (!tokens) {
    console.log('  not measured: the trajectories are not at hand (../shared/data/otlp)');
    return;
  }
  const { traces, rendered, plain, cut } = tokens;
  line(`${traces} trajectories`, [
    `${thousands(rendered)}${check(rendered < plain * goals.tokenShare)}`,
    `spans as JSON ${thousands(plain)}`,
    `a ${(plain / rendered).toFixed(0)}th`,
    `cut for length ${cut}`,
  ]);
}

function thousands(tokens: number): string {
  return `${Math.round(tokens / 1_000).toLocaleString('en')} thousand`;
}
