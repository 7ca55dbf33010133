import type { Command } from 'commander';
import type { Client } from '../client.ts';
import type { Print } from '../print.ts';

interface Explanation {
  readonly trace_id: string;
  readonly experiment_id: string;
  readonly completeness: string;
  readonly sampling_coordinate: number;
  readonly decision?: { readonly rules_version: number; readonly decided_at: string };
  readonly scorers: readonly {
    readonly scorer_name: string;
    readonly scorer_version?: number;
    readonly state: string;
    readonly explanation: string;
  }[];
}

export function addExplainCommand(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  program
    .command('explain <trace-id>')
    .description('why a trace was scored, or was not')
    .option('--scorer <name>', 'by this scorer only')
    .action(async (traceId: string, { scorer }: { scorer?: string }) => {
      const query = scorer === undefined ? '' : `?${new URLSearchParams({ scorer })}`;
      const path = `/api/1.0/assay/traces/${encodeURIComponent(spelled(traceId))}/explanation${query}`;
      const explanation = await client().call<Explanation>('GET', path);
      print({ json: explanation, text: page(explanation) });
    });
}

/** OpenTelemetry's own spelling of a trace id is taken as well. */
function spelled(traceId: string): string {
  return /^[0-9a-f]{32}$/i.test(traceId) ? `tr-${traceId.toLowerCase()}` : traceId;
}

function page(explanation: Explanation): string {
  const { decision, scorers } = explanation;
  const decided = decision
    ? `decided ${decision.decided_at} by rules version ${decision.rules_version}`
    : 'not decided yet';
  const head = [
    explanation.trace_id,
    `experiment ${explanation.experiment_id}`,
    explanation.completeness,
    `u = ${explanation.sampling_coordinate.toFixed(6)}`,
    decided,
  ].join('  ');
  if (scorers.length === 0) return `${head}\n\nno scorers are registered in the experiment`;
  const rows = scorers.map(({ scorer_name: name, scorer_version: version, state, explanation: said }) => ({
    who: version === undefined ? name : `${name} v${version}`,
    state: state.replaceAll('_', ' '),
    said,
  }));
  const [who, state] = [widest(rows.map((row) => row.who)), widest(rows.map((row) => row.state))];
  return [head, '', ...rows.map((row) => `${row.who.padEnd(who)}  ${row.state.padEnd(state)}  ${row.said}`)].join('\n');
}

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length));
}
