import { JudgeMisconfiguredError, type JudgeRequest } from '../domain/judging/judge-model.ts';
import type { ModelLimits } from '../domain/judging/model-limits.ts';
import type { JsonValue } from '../domain/span.ts';

/** A scorer's parameters, told apart. */
export interface ReadParameters {
  /** Of answer and thinking together. */
  readonly maxTokens: number;
  /** How hard a model that thinks is to think. */
  readonly effort: JsonValue | undefined;
  /** `temperature`, `top_p`, `top_k`, penalties, `seed`; empty for a model that refuses them. */
  readonly sampling: Readonly<Record<string, JsonValue>>;
  readonly stop: readonly string[] | undefined;
  /** What only the provider knows. */
  readonly others: Readonly<Record<string, JsonValue>>;
}

const samplingNames = ['temperature', 'top_p', 'top_k', 'presence_penalty', 'frequency_penalty', 'seed', 'logit_bias'];
const bounds = ['max_tokens', 'max_completion_tokens', 'maxTokens', 'max_output_tokens'];
const efforts = ['reasoning_effort', 'effort'];

/** What is ours to say; a scorer that could set it would break the judgement, or the promise of what it may cost. */
const reserved = [
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'toolConfig',
  'response_format',
  'output_config',
  'outputConfig',
  'stream',
  'n',
  'store',
  'best_of',
  'functions',
  'function_call',
];

/**
 * Names are OpenAI's, as MLflow's `inference_params` are. A bound on the answer can only lower ours: budgets and quotas are reserved by that.
 * @throws JudgeMisconfiguredError
 */
export function readParameters(
  { parameters, maxTokens }: Pick<JudgeRequest, 'parameters' | 'maxTokens'>,
  { uri, limits }: { uri: string; limits: ModelLimits },
): ReadParameters {
  const given = Object.entries(parameters).filter(([, value]) => value !== null);
  const forbidden = given.find(([name]) => reserved.includes(name));
  if (forbidden)
    throw new JudgeMisconfiguredError(`${uri}: the scorer's parameter '${forbidden[0]}' cannot be set`, {
      reason: 'rejected-request',
      call: 'not-made',
    });
  const pick = (names: readonly string[]) => given.filter(([name]) => names.includes(name));
  const known = [...samplingNames, ...bounds, ...efforts, 'stop', 'stop_sequences'];
  const lower = pick(bounds).flatMap(([, value]) => (typeof value === 'number' && value >= 1 ? Math.floor(value) : []));
  const stop = pick(['stop', 'stop_sequences'])[0]?.[1];
  return {
    maxTokens: Math.min(maxTokens, ...lower) + limits.thinkingTokens,
    effort: pick(efforts)[0]?.[1] ?? limits.effort,
    sampling: limits.sampling ? Object.fromEntries(pick(samplingNames)) : {},
    stop: stop === undefined ? undefined : [stop].flat().map(String),
    others: Object.fromEntries(given.filter(([name]) => !known.includes(name))),
  };
}

/** By which name a provider knows what is not sent by its own. */
const otherNames: Readonly<Record<string, string>> = {
  stop: 'stop_sequences',
  reasoning_effort: 'effort',
  max_tokens: 'max_completion_tokens',
};

/** Finds the scorer's parameters where a provider speaks of them: `top_p`, `topP`, `inferenceConfig.topP`. */
export function mentionsOf(parameters: JudgeRequest['parameters']): readonly RegExp[] {
  const names = Object.keys(parameters).flatMap((name) => [name, otherNames[name] ?? []].flat());
  return names.map((name) => {
    const words = name.split(/_|(?<=[a-z])(?=[A-Z])/).map((word) => word.replace(/[^A-Za-z0-9]/g, '\\$&'));
    return new RegExp(`(?<![a-z0-9_])${words.join('_?')}(?![a-z0-9_])`, 'i');
  });
}
