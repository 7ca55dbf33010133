import { createHash } from 'node:crypto';
import { type DatasetInput, experimentOfRun, type Metric, type Run, type RunInfo } from '../domain/run.ts';

/**
 * Keys and items of runs in the registry table. A run and what it has (tags, parameters, latest metrics, inputs) stand together in
 * one partition an experiment, apart from its rules, which the hot path reads: `runs#<experiment>` / `run#<id>` and
 * `run#<id>#<kind>#<key>`. The history of metrics stands in a partition a run: `run#<id>` / key, time, step, value.
 */
const formatVersion = 1;

type Item = Record<string, unknown>;
export type RunPart = 'tag' | 'param' | 'metric' | 'input';

export function runsKey(experimentId: string): string {
  return `runs#${experimentId}`;
}

/** Undefined where no run can have this id. */
export function runKey(runId: string): { pk: string; sk: string } | undefined {
  const experimentId = experimentOfRun(runId);
  return experimentId === undefined ? undefined : { pk: runsKey(experimentId), sk: `run#${runId}` };
}

export function runPartKey(runId: string, part: RunPart, key: string): { pk: string; sk: string } {
  const run = runKey(runId);
  if (!run) throw new Error(`run id ${runId} names no experiment`);
  return { pk: run.pk, sk: `${run.sk}#${part}#${key}` };
}

export function toRunItem({ runId, experimentId: _, ...rest }: RunInfo): Item {
  return { ...runKey(runId), v: formatVersion, ...rest };
}

export function fromRunItem(item: Item): RunInfo {
  const { pk, sk, v: _, ...rest } = checked(item);
  return { runId: String(sk).slice(4, 36), experimentId: String(pk).slice(5), ...rest } as RunInfo;
}

export function toTextItem(runId: string, part: 'tag' | 'param', [key, value]: readonly [string, string]): Item {
  return { ...runPartKey(runId, part, key), v: formatVersion, text: value };
}

/** Numbers of DynamoDB end at 10^126, those of MLflow do not: the value is a text. `latestRank` orders by step, time and value. */
export function toMetricItem(runId: string, metric: Metric): Item {
  return { ...runPartKey(runId, 'metric', metric.key), ...metricFields(metric), latestRank: rankOf(metric) };
}

export function toPointItem(runId: string, metric: Metric): Item {
  const { key, timestamp, step, value } = metric;
  const sk = `${pointPrefix(key)}${digits(timestamp)}${signed(step)}${sortable(value)}`;
  return { pk: `run#${runId}`, sk, ...metricFields(metric) };
}

/** `\0` cannot be in a key: none looks like another's point. */
export function pointPrefix(key: string): string {
  return `${key}\0`;
}

export function fromMetricItem(item: Item): Metric {
  const { name, value, timestamp, step } = checked(item);
  return { key: String(name), value: Number(value), timestamp: Number(timestamp), step: Number(step) };
}

function metricFields({ key, timestamp, step, value }: Metric): Item {
  return { v: formatVersion, name: key, value: String(value), timestamp, step };
}

export function toInputItem(runId: string, input: DatasetInput): Item {
  const id = createHash('sha256').update(`${input.name}\0${input.digest}`).digest('hex').slice(0, 32);
  return { ...runPartKey(runId, 'input', id), v: formatVersion, input };
}

/** A run of its items, its own first. */
export function fromRunItems([own, ...parts]: readonly Item[]): Run {
  const info = fromRunItem(own as Item);
  const of = (part: RunPart) => parts.filter(({ sk }) => String(sk).startsWith(`run#${info.runId}#${part}#`));
  const texts = (part: 'tag' | 'param') =>
    Object.fromEntries(
      of(part).map((item) => [String(item.sk).slice(36 + part.length + 2), String(checked(item).text)]),
    );
  return {
    info,
    metrics: of('metric').map(fromMetricItem),
    params: texts('param'),
    tags: texts('tag'),
    inputs: of('input').map((item) => checked(item).input as DatasetInput),
  };
}

function rankOf({ step, timestamp, value }: Metric): string {
  return `${signed(step)}${digits(timestamp)}${sortable(value)}`;
}

function digits(value: number | bigint): string {
  return String(value).padStart(17, '0');
}

function signed(value: number): string {
  return digits(BigInt(value) + 2n ** 53n);
}

/** 16 hexadecimal digits in the order of the numbers; NaN, which MLflow counts as 0, right behind it. */
function sortable(value: number): string {
  if (Number.isNaN(value)) return `${sortable(0)}n`;
  const bytes = Buffer.alloc(8);
  // -0 is 0.
  bytes.writeDoubleBE(value + 0);
  const bits = bytes.readBigUInt64BE();
  const ordered = value < 0 ? ~bits & 0xffffffffffffffffn : bits | 0x8000000000000000n;
  return ordered.toString(16).padStart(16, '0');
}

function checked(item: Item): Item {
  if (item.v === formatVersion) return item;
  throw new Error(`registry item ${String(item.pk)} of format ${String(item.v)}, expected ${formatVersion}`);
}
