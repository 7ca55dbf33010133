import type { Node } from 'constructs';

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
}

export function readConfig(node: Node): StageConfig {
  const text = (key: string) => node.tryGetContext(key) as string | undefined;
  const alarmEmail = text('alarmEmail');
  return {
    name: text('name') ?? 'Assay',
    ephemeral: String(text('ephemeral')) === 'true',
    traceRetentionDays: positiveInteger(text('traceRetentionDays') ?? '30', 'traceRetentionDays'),
    ...(alarmEmail !== undefined && { alarmEmail }),
  };
}

function positiveInteger(value: string, name: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`${name} must be a whole number of days above 0, got ${value}`);
  return number;
}
