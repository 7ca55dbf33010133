import { createJudge } from '../../shared/domain/judging/create-judge.ts';
import { estimateTokens } from '../../shared/domain/judging/estimate-tokens.ts';
import type { ScorableTrace } from '../../shared/domain/scorable-trace.ts';
import { aJudgeModel, aVerdict, textOfRequest } from '../support/judging/a-judge-model.ts';
import { judgeOnce } from '../support/judging/judge-once.ts';
import { hasSharedData } from '../support/shared-data.ts';
import { sharedTraces } from '../support/shared-traces.ts';

/** Tokens of prompts, by the count that the product makes. */
export interface JudgeTokens {
  readonly traces: number;
  /** As they are sent: the trace as the renderer tells it, within the budget. */
  readonly rendered: number;
  /** The same prompts with the spans of the trace as JSON. */
  readonly plain: number;
  /** Prompts for which something had to be left out. */
  readonly cut: number;
}

const judge = createJudge({
  kind: 'custom-prompt',
  name: 'policy',
  template: 'Did the agent keep to its policy?\n\n{{trace}}\n\n[[yes]]: it did\n[[no]]: it did not',
});

/** Judges the trajectories of an airline's agent with a prompt that asks for the whole trace; undefined where they are not at hand. */
export async function judgeTokens(): Promise<JudgeTokens | undefined> {
  if (!hasSharedData) return undefined;
  const traces = sharedTraces('airline.otlp.jsonl.gz');
  const model = aJudgeModel([aVerdict('yes')]);
  let [rendered, plain, cut] = [0, 0, 0];
  for (const trace of traces) {
    const results = await judgeOnce(judge, { traces: [trace], model });
    if (results.some(({ error }) => error)) throw new Error(`trace ${trace.traceId} was not judged`);
    const request = model.requests.at(-1);
    if (!request) throw new Error(`nothing was asked about trace ${trace.traceId}`);
    rendered += estimateTokens(textOfRequest(request));
    plain += estimateTokens(request.system) + estimateTokens(spansAsJson(trace));
    cut += results.some(({ metadata }) => metadata?.['assay.truncation'] !== undefined) ? 1 : 0;
  }
  return { traces: traces.length, rendered, plain, cut };
}

function spansAsJson({ spans }: ScorableTrace): string {
  return JSON.stringify(
    spans.map(({ span }) => span),
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}
