import type { CostDefinition, LatencyDefinition, TokensDefinition } from './definition.ts';
import { cannotJudge, counted, type Heuristic, measure, verdict } from './heuristic.ts';

/** Passes where the trace took at most `maxMs`; without a bound, its milliseconds. */
export function latency({ maxMs }: LatencyDefinition): Heuristic {
  return ({ facts: { durationMs, state } }) => {
    if (state === 'IN_PROGRESS')
      return cannotJudge('TRACE_INCOMPLETE', 'no root span has ended, so how long the trace took is not known');
    return judge(durationMs, { max: maxMs, found: `The trace took ${milliseconds(durationMs)}`, limit: milliseconds });
  };
}

/** Passes where the trace used at most `maxTokens`; without a bound, their number. */
export function tokens({ maxTokens, count }: TokensDefinition): Heuristic {
  return ({ facts }) => {
    if (facts.tokens === undefined)
      return cannotJudge('NO_TOKENS', 'no span of the trace says how many tokens it used');
    const used = {
      total: facts.tokens.totalTokens,
      input: facts.tokens.inputTokens,
      output: facts.tokens.outputTokens,
    }[count];
    const unit = count === 'total' ? 'token' : `${count} token`;
    return judge(used, {
      max: maxTokens,
      found: `The trace used ${counted(used, unit)}`,
      limit: (max) => max.toLocaleString('en-US'),
    });
  };
}

/** Passes where the model calls of the trace cost at most `maxUsd`; without a bound, their US$. */
export function cost({ maxUsd }: CostDefinition): Heuristic {
  return ({ facts }) => {
    if (facts.cost === undefined)
      return cannotJudge('NO_COST', 'the cost of the trace is not known: no tokens, or no price for its models');
    const { totalCost } = facts.cost;
    return judge(totalCost, { max: maxUsd, found: `The trace cost ${dollars(totalCost)}`, limit: dollars });
  };
}

function judge(
  value: number,
  { max, found, limit }: { max: number | undefined; found: string; limit: (max: number) => string },
) {
  if (max === undefined) return measure(value, `${found}.`);
  return value <= max
    ? verdict(true, `${found}, within the limit of ${limit(max)}.`)
    : verdict(false, `${found}, over the limit of ${limit(max)}.`);
}

function milliseconds(value: number): string {
  return `${Math.round(value).toLocaleString('en-US')} ms`;
}

/** Six digits after the point: a short call to a small model costs some millionths. */
function dollars(value: number): string {
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 6 })}`;
}
