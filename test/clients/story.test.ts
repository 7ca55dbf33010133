import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settleInParallel } from '../../shared/domain/in-parallel.ts';
import { startTestStack, type TestStack } from '../support/local-stack.ts';
import { ModelServer } from '../support/model-server/model-server.ts';
import { type Client, clients, type Ended, runPython } from './clients.ts';
import { sendLargeTraces, sendLongTrace } from './large-traces.ts';
import { scriptedJudge } from './scripted-judge.ts';

/** As in story/chapters/__init__.py. */
const chapters = [
  'connecting',
  'judges',
  'tracing',
  'searching',
  'feedback',
  'sessions',
  'runs',
  'scorers',
  'shared scorers',
  'live scoring',
  'evaluating',
  'metrics',
  'large',
  'judgements',
  'deleting',
] as const;

interface Outcome {
  readonly chapter: string;
  readonly check: string;
  readonly outcome: 'passed' | 'failed' | 'not for this client';
}

const newest = '3.18.0';

/** On two cores, two at a time. */
const atOnce = 2;

const models = new ModelServer(scriptedJudge);
let stack: TestStack;
const told = new Map<Client, Ended>();

beforeAll(async () => {
  await models.listen();
  const provider = { baseUrl: `${models.url}/v1`, secret: null };
  stack = await startTestStack({
    bedrockUrl: models.url,
    context: { judgeModels: JSON.stringify({ providers: { openai: provider, anthropic: provider } }) },
    // The minute of quiet before a session is judged is long enough.
    sweepSeconds: 5,
  });
  const environment = {
    MLFLOW_TRACKING_URI: stack.stack.url,
    MLFLOW_TRACKING_TOKEN: stack.adminKey,
    STORY_JUDGE: 'scripted',
    STORY_LONG_TRACE: await sendLongTrace(stack),
    STORY_LARGE_TRACES: await sendLargeTraces(stack),
  };
  await stack.stack.drain();
  const story = ['-m', 'story', '--run', 'suite'];
  // What older clients must be able to list is there before they look.
  await runPython(newest, { args: [...story, 'shared scorers'], environment });
  const tell = async (client: Client) => {
    told.set(client, await runPython(client, { args: story, environment }));
  };
  await settleInParallel(clients, { limit: atOnce, task: tell });
  for (const [client, { seconds, stderr }] of told)
    console.log(`client ${client}: ${seconds.toFixed(0)} s${notes(stderr)}`);
}, 1_200_000);
afterAll(async () => {
  await stack?.stop();
  await models.close();
});

describe.each(clients)('the story, told by client %s,', (client) => {
  it('is told to its end', () => {
    const { exitCode, stdout, stderr } = ended(client);
    expect([exitCode, stderr.slice(-3000)]).toEqual([expect.toBeOneOf([0, 1]), expect.anything()]);
    const ofChapters = new Set(outcomes(stdout).map(({ chapter }) => chapter));
    expect([...ofChapters]).toEqual(chapters);
  });

  it.each(chapters)('%s', (chapter) => {
    const ofChapter = outcomes(ended(client).stdout).filter((outcome) => outcome.chapter === chapter);
    expect(ofChapter).not.toEqual([]);
    expect(ofChapter.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  });
});

it.runIf(clients.includes(newest))('the newest client leaves no check out', () => {
  expect(outcomes(ended(newest).stdout).filter(({ outcome }) => outcome === 'not for this client')).toEqual([]);
});

const haveJudges = clients.some((client) => !client.startsWith('tracing'));

it.runIf(haveJudges)('judges ask as their providers take it, each over its own API', () => {
  expect(models.refused).toEqual([]);
  expect([...new Set(models.asked.map(({ provider }) => provider))].sort()).toEqual(['anthropic', 'bedrock', 'openai']);
});

function ended(client: Client): Ended {
  const end = told.get(client);
  if (!end) throw new Error(`client ${client} did not run`);
  return end;
}

/** What the story measured. */
function notes(stderr: string): string {
  return [...stderr.matchAll(/^story: (.*)$/gm)].map(([, note]) => `; ${note}`).join('');
}

/** One JSON line for each check, and a last one about the whole. */
function outcomes(stdout: string): readonly Outcome[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Outcome).filter((line) => 'outcome' in line);
}
