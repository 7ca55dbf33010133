import type { JudgementRecord } from './judge.ts';
import type { Spent } from './judging-metrics.ts';

/**
 * What an assessment says of how it came about, beside scorer, version and sample rate. Tokens and cost under MLflow's names (mlflow.assessment.*,
 * 3.18); the rest is Assay's.
 * @param records of the verdicts that the result was paid with; none for what is computed
 * @param costOf US$ of a judgement; undefined for a model without a price
 */
export function judgementMetadata(
  records: readonly JudgementRecord[],
  costOf: (record: JudgementRecord) => number | undefined,
): Readonly<Record<string, string>> {
  const [first] = records;
  if (first === undefined) return {};
  const cost = totalCost(records, costOf);
  const omissions = records.flatMap((record) => record.omissions);
  const cached = total(records, 'cachedCalls');
  const read = total(records, 'cacheReadTokens');
  const combined = Math.max(...records.map(({ combinedWith }) => combinedWith));
  return {
    'mlflow.assessment.judgeInputTokens': String(total(records, 'inputTokens')),
    'mlflow.assessment.judgeOutputTokens': String(total(records, 'outputTokens')),
    ...(cost !== undefined && { 'mlflow.assessment.judgeCost': String(cost) }),
    'assay.model': [...new Set(records.map(({ model }) => model))].join(', '),
    'assay.promptHash':
      records.length === 1
        ? first.promptHash
        : [...new Set(records.map(({ promptHash }) => promptHash))].slice(0, 20).join(','),
    'assay.judgeCalls': String(total(records, 'calls')),
    'assay.durationMs': String(Math.max(...records.map(({ durationMs }) => durationMs))),
    ...(cached > 0 && { 'assay.cachedCalls': String(cached) }),
    ...(read > 0 && { 'assay.cacheReadTokens': String(read) }),
    ...(combined > 1 && { 'assay.combinedWith': String(combined) }),
    ...(omissions.length > 0 && { 'assay.truncation': JSON.stringify(omissions.slice(0, 20)) }),
  };
}

/** An unpriced model costs nothing that we know of. */
export function spentOn(
  records: readonly JudgementRecord[],
  costOf: (record: JudgementRecord) => number | undefined,
): Spent {
  return {
    models: [...new Set(records.map(({ model }) => model))],
    usd: records.reduce((sum, record) => sum + (costOf(record) ?? 0), 0),
    tokens: total(records, 'inputTokens') + total(records, 'outputTokens'),
    reused: total(records, 'cachedCalls'),
  };
}

type Counted = 'inputTokens' | 'outputTokens' | 'calls' | 'cachedCalls' | 'cacheReadTokens';

function total(records: readonly JudgementRecord[], key: Counted): number {
  return records.reduce((sum, record) => sum + record[key], 0);
}

/** Unknown as soon as a part of it is. Rounded to a billionth, which no price list is finer than. */
function totalCost(
  records: readonly JudgementRecord[],
  costOf: (record: JudgementRecord) => number | undefined,
): number | undefined {
  let sum = 0;
  for (const record of records) {
    const cost = costOf(record);
    if (cost === undefined) return undefined;
    sum += cost;
  }
  return Number(sum.toFixed(9));
}
