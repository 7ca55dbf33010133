import type { Node } from 'constructs';
import { type JudgeModelsConfig, judgeModelsConfig } from '../shared/contracts/judge-models-config.ts';

/** What differs between deployments; given as `-c name=value`. */
export interface StageConfig {
  /** Prefix of the stacks' names. */
  readonly name: string;
  /** Everything goes when the stacks are deleted. */
  readonly ephemeral: boolean;
  /** How long the trace store and the index keep a trace. The archive keeps it for good. */
  readonly traceRetentionDays: number;
  /** Who is told of alarms; others subscribe to the topic. */
  readonly alarmEmail?: string;
  /** Which models judge and how they are reached: an object in cdk.json, or its JSON with `-c`. */
  readonly judgeModels: JudgeModelsConfig;
}

export function readConfig(node: Node): StageConfig {
  const text = (key: string) => node.tryGetContext(key) as string | undefined;
  const alarmEmail = text('alarmEmail');
  return {
    name: text('name') ?? 'Assay',
    ephemeral: String(text('ephemeral')) === 'true',
    traceRetentionDays: positiveInteger(text('traceRetentionDays') ?? '30', 'traceRetentionDays'),
    ...(alarmEmail !== undefined && { alarmEmail }),
    judgeModels: judgeModels(node.tryGetContext('judgeModels')),
  };
}

function positiveInteger(value: string, name: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${name} must be a whole number of days above 0, got ${value}`);
  return number;
}

/** Through whichever Region has room: the cheapest way to a model that answers by a schema. Its id is configuration, for it will be retired. */
const defaultModel = 'bedrock:/global.anthropic.claude-haiku-4-5-20251001-v1:0';

/** A function's variables hold 4 KB together (Lambda quotas). */
const maxJudgeModels = 3_000;

function judgeModels(given: unknown): JudgeModelsConfig {
  const { success, data, error } = judgeModelsConfig.safeParse({ default: defaultModel, ...parsedContext(given) });
  if (!success) {
    const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'judgeModels'}: ${message}`);
    throw new Error(`judgeModels: ${problems.join('; ')}`);
  }
  const { length } = JSON.stringify(data);
  if (length > maxJudgeModels)
    throw new Error(`judgeModels has ${length} characters, expected at most ${maxJudgeModels}: name fewer models`);
  return data;
}

function parsedContext(given: unknown): object {
  if (typeof given !== 'string') return typeof given === 'object' && given !== null ? given : {};
  try {
    return JSON.parse(given) as object;
  } catch {
    throw new Error('judgeModels must be JSON such as {"providers":{"openai":{}}}');
  }
}
