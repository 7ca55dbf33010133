import type { Command } from 'commander';
import type { AssessmentRecord, Client, SpanRecord, TraceInfo } from '../../sdk/index.ts';
import { toWholeNumber } from '../numbers.ts';
import { type Print, tableOrNone, valueText } from '../print.ts';

export function addTraceCommands(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  const traces = program.command('traces').description('traces and their assessments');
  traces
    .command('list')
    .description('newest traces first')
    .option('--experiment <id>', 'experiment', '0')
    .option('--filter <text>', "which traces, in MLflow's grammar")
    .option('--limit <n>', 'how many', toWholeNumber, 20)
    .action(async (options: { experiment: string; filter?: string; limit: number }) => {
      const found = await search(client(), options);
      const rows = found.map((trace) => [
        trace.trace_id,
        trace.request_time,
        trace.execution_duration,
        trace.state,
        nameOf(trace),
        scores(trace),
      ]);
      const text = tableOrNone(['trace', 'time', 'duration', 'state', 'name', 'assessments'], rows, 'no traces found');
      print({ json: found, text });
    });
  traces
    .command('get <trace-id>')
    .description('one trace with its spans and assessments')
    .action(async (traceId: string) => {
      const trace = await client().traces.get(traceId);
      print({ json: trace, text: page(trace.trace_info, trace.spans) });
    });
}

/** Pages until there are enough, or no more. */
async function search(
  client: Client,
  { experiment, filter, limit }: { experiment: string; filter?: string | undefined; limit: number },
): Promise<readonly TraceInfo[]> {
  const found: TraceInfo[] = [];
  const searched = client.traces.search({ experimentId: experiment, filter, pageSize: Math.min(500, limit) });
  for await (const trace of searched) {
    found.push(trace);
    if (found.length >= limit) break;
  }
  return found;
}

function nameOf({ tags }: TraceInfo): string {
  return tags['mlflow.traceName'] ?? '';
}

function scores({ assessments }: TraceInfo): string {
  return assessments.map((assessment) => `${assessment.assessment_name}=${shown(assessment)}`).join(' ');
}

function shown({ feedback, expectation }: AssessmentRecord): string {
  if (feedback?.error) return feedback.error.error_code;
  return valueText(feedback ? feedback.value : (expectation?.serialized_value?.value ?? expectation?.value));
}

function page(info: TraceInfo, spans: readonly SpanRecord[]): string {
  const head = [
    `${info.trace_id}  ${nameOf(info)}  ${info.state}  ${info.execution_duration}  ${info.request_time}`,
    `request   ${info.request_preview ?? ''}`,
    `response  ${info.response_preview ?? ''}`,
  ];
  const assessments = info.assessments.map(
    (assessment) =>
      `  ${assessment.assessment_name} = ${shown(assessment)}  ${assessment.rationale ?? assessment.feedback?.error?.error_message ?? ''}`,
  );
  return [
    ...head,
    '',
    ...tree(spans),
    '',
    assessments.length > 0 ? 'assessments' : 'no assessments',
    ...assessments,
  ].join('\n');
}

/** Spans under their parents, in the order of time; one whose parent is not here stands at the top. */
function tree(spans: readonly SpanRecord[]): readonly string[] {
  const ordered = spans.toSorted((a, b) => (BigInt(a.start_time_unix_nano) < BigInt(b.start_time_unix_nano) ? -1 : 1));
  const ids = new Set(spans.map(({ span_id: id }) => id));
  const children = Map.groupBy(ordered, ({ parent_span_id: parent }) =>
    parent !== undefined && ids.has(parent) ? parent : '',
  );
  const lines: string[] = [];
  const visit = (parent: string, depth: number) => {
    const own = children.get(parent) ?? [];
    // Each once: spans can name each other as parents in a circle.
    children.delete(parent);
    for (const span of own) {
      lines.push(
        `${'  '.repeat(depth)}${span.name}  ${durationOf(span)}${span.status.code === 'STATUS_CODE_ERROR' ? '  ERROR' : ''}`,
      );
      visit(span.span_id, depth + 1);
    }
  };
  visit('', 0);
  return lines;
}

function durationOf({ start_time_unix_nano: start, end_time_unix_nano: end = '0' }: SpanRecord): string {
  if (end === '0') return 'not ended';
  return `${Math.max(0, Number(BigInt(end) - BigInt(start)) / 1e6).toFixed(1)} ms`;
}
