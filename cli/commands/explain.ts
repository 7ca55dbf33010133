import type { Command } from 'commander';
import type { Client, Explanation } from '../../sdk/index.ts';
import type { Print } from '../print.ts';

export function addExplainCommand(program: Command, { client, print }: { client: () => Client; print: Print }): void {
  program
    .command('explain <trace-id>')
    .description('why a trace was scored, or was not')
    .option('--scorer <name>', 'by this scorer only')
    .action(async (traceId: string, { scorer }: { scorer?: string }) => {
      const explanation = await client().explain(traceId, { scorer });
      print({ json: explanation, text: page(explanation) });
    });
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
