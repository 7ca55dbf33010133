import type { JsonValue } from '../../shared/domain/span.ts';
import type { Asked, Scripted } from '../support/model-server/script.ts';

interface ResultSchema {
  readonly type?: string;
  readonly enum?: readonly JsonValue[];
}

/**
 * The model that judges the story's traces (story/chapters/judges.py): rude where "you fool" stands in what it is shown, no use where it is
 * asked to speak in tongues. Its reasons name the sections that it was shown, or the spans that it found by tools.
 */
export function scriptedJudge({ body, text, schema, tools, toolResults }: Asked): Scripted {
  const shown = JSON.stringify(body);
  if (shown.includes('speak in tongues')) return { text: 'Shaba daba da.' };
  if (tools.includes('search_trace_regex') && toolResults === 0)
    return {
      toolCalls: [
        { name: 'get_trace_info', arguments: {} },
        { name: 'search_trace_regex', arguments: { pattern: 'you f..l|paris' } },
      ],
    };
  const { result = {} } = (schema as { properties?: { result?: ResultSchema } } | undefined)?.properties ?? {};
  const found = [...text.matchAll(/section="(?!tool result)([a-z ]+)"|^span ([0-9a-f]{16}):/gm)].map(
    ([, title, span]) => title ?? span,
  );
  return { verdict: { rationale: `seen: ${[...new Set(found)].join(', ')}`, result: decide(result, shown) } };
}

function decide({ type, enum: choices }: ResultSchema, shown: string): JsonValue {
  const isRude = shown.includes('you fool');
  if (choices) return choices.at(isRude ? -1 : 0) ?? null;
  return type === 'boolean' ? !isRude : isRude ? 1 : 5;
}
