import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { JudgeModelsConfig } from '../../shared/contracts/judge-models-config.ts';
import type { JudgeModels, JudgeRequest } from '../../shared/domain/judging/judge-model.ts';
import type { Connection } from '../connection.ts';
import { type Print, tableOrNone } from '../print.ts';

export function addModelCommands(
  program: Command,
  { connection, print }: { connection: () => Connection; print: Print },
): void {
  const models = program.command('models').description('models that judge, as the stage is configured');
  models
    .command('check [uris...]')
    .description(
      'ask each model a small question, with the credentials of the AWS account (default: every model that is configured)',
    )
    .action(async (uris: readonly string[]) => {
      const stage = await connection().models();
      const names = uris.length > 0 ? uris : configured(stage.config);
      const results = await Promise.all(names.map((name) => check(name, stage.models)));
      const rows = results.map(({ asked, model, ok, ms, says }) => [asked, model, ok ? 'yes' : 'no', `${ms} ms`, says]);
      print({ json: results, text: tableOrNone(['asked', 'model', 'answers', 'in', 'says'], rows, 'no models') });
      if (results.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}

function configured({ default: given, aliases, models }: JudgeModelsConfig): readonly string[] {
  return [...new Set([...(given === undefined ? [] : [given]), ...Object.keys(aliases), ...Object.keys(models)])];
}

interface Check {
  readonly asked: string;
  readonly model: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly says: string;
}

async function check(asked: string, models: JudgeModels): Promise<Check> {
  const began = Date.now();
  let model = '';
  const result = (ok: boolean, says: string) => ({ asked, model, ok, ms: Date.now() - began, says });
  try {
    const found = await models.resolve(asked);
    model = found.uri;
    const { text, usage, stop } = await found.complete(question());
    const said = stop === 'end' ? text : `${stop}: ${text}`;
    return result(isVerdict(text), `${said.slice(0, 100)} (${usage.inputTokens} + ${usage.outputTokens} tokens)`);
  } catch (error) {
    return result(false, (error as Error).message);
  }
}

/** Small, and in the form in which judges are asked. */
function question(): JudgeRequest {
  return {
    hash: randomUUID().replaceAll('-', '').repeat(2),
    system: 'Answer with one JSON object and nothing else, with the field "result".',
    messages: [{ role: 'user', text: 'Is water wet? The result is "yes" or "no".' }],
    schema: {
      type: 'object',
      properties: { result: { type: 'string', enum: ['yes', 'no'] } },
      required: ['result'],
      additionalProperties: false,
    },
    maxTokens: 100,
    parameters: {},
    tools: [],
  };
}

function isVerdict(text: string): boolean {
  try {
    return ['yes', 'no'].includes((JSON.parse(text) as { result: string }).result);
  } catch {
    return false;
  }
}
