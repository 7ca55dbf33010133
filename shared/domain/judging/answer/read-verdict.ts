import type { JsonRecord } from '../../json-value.ts';
import type { JsonValue } from '../../span.ts';
import { readJsonObject } from './read-json.ts';
import { castResult, type ResultType } from './result-type.ts';

/** What a model decided. */
export interface Decision {
  readonly value: JsonValue;
  readonly rationale?: string;
}

export type ReadDecision = { readonly decision: Decision } | { readonly problem: string };

/** The decision in an answer, or why there is none in it. */
export function readDecision(text: string, type: ResultType): ReadDecision {
  const object = readJsonObject(text, (candidate) => 'result' in candidate);
  if (object === undefined) return { problem: text.trim() === '' ? 'it is empty' : 'it is not one JSON object' };
  return readDecisionObject(object, type);
}

export function readDecisionObject(object: JsonRecord, type: ResultType): ReadDecision {
  const result = castResult(type, object.result);
  if ('problem' in result) return result;
  const rationale = rationaleOf(object.rationale);
  return { decision: { value: result.value, ...(rationale && { rationale }) } };
}

/** Models that were told to think step by step say so. */
function rationaleOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/^Let['’]s think step by step[.:,]?\s*/i, '').trim();
}
