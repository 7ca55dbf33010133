import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiRoutes } from '../../../../functions/serve-api/create-handler.ts';
import type { Route } from '../../../../functions/serve-api/router.ts';
import { dynamoTraceIndex } from '../../../../shared/adapters/dynamo-trace-index.ts';
import { otlpTraceCodec } from '../../../../shared/adapters/otlp-trace-codec.ts';
import { ingesters, type Role, roles } from '../../../../shared/domain/api-key.ts';
import { anOtlpRequest } from '../../../support/an-otlp-request.ts';
import { aTraceInfo } from '../../../support/builders/a-trace-info.ts';
import { aRequestFor, type Subject } from './a-request-for.ts';
import { type Api, callerOf, startApi } from './an-api.ts';

const secret = 'told to nobody else';

let api: Api;
let subject: Subject;
let otherExperimentId: string;
beforeAll(async () => {
  api = await startApi();
  ({ subject, otherExperimentId } = await someExperiment());
}, 60_000);
afterAll(() => api.stop());

// Routes are data: what they would call need not exist to list them.
const served = apiRoutes({} as never);
const named = served.map((route) => ({ name: `${route.method} ${route.path}`, route }));

const key = (role: Role, experimentIds = '') => ({ lambda: { decision: 'allowed', role, experimentIds } });
const everybody = [
  { who: 'nobody', authorizer: { lambda: { decision: 'denied' } }, role: undefined as Role | undefined },
  ...roles.map((role) => ({ who: role, authorizer: key(role), role: role as Role | undefined })),
];

/** An experiment with a trace, an assessment, a run and a scorer in it, and another one beside it. */
async function someExperiment(): Promise<{ subject: Subject; otherExperimentId: string }> {
  const create = async (name: string) => {
    const { body } = await api.call('POST', '/api/2.0/mlflow/experiments/create', { name });
    return String(body.experiment_id);
  };
  const experimentId = await create(secret);
  const info = aTraceInfo({ experimentId, facts: { name: secret, requestPreview: secret } });
  const { client, traces } = api.tables;
  await dynamoTraceIndex(client, traces, { retentionDays: 30 }).foundTraces([info]);
  const assessment = { assessment_name: 'quality', feedback: { value: true }, rationale: secret };
  const { body } = await api.call('POST', `/api/3.0/mlflow/traces/${info.traceId}/assessments`, { assessment });
  const { assessment_id: assessmentId } = body.assessment as { assessment_id: string };
  const { body: started } = await api.call('POST', '/api/2.0/mlflow/runs/create', { experiment_id: experimentId });
  const { run_id: runId } = (started.run as { info: { run_id: string } }).info;
  const made: Subject = { experimentId, traceId: info.traceId, assessmentId, runId, name: 'quality', text: secret };
  // Whatever else can be made in it, too.
  for (const { name, route } of named) if (!/DELETE|delete|restore/.test(name)) await ask(route, key('admin'), made);
  return { subject: made, otherExperimentId: await create('other') };
}

function ask(route: Route, authorizer: object, about: Subject) {
  const block = otlpTraceCodec.compress(anOtlpRequest({ spans: [{ name: secret, traceId: about.traceId.slice(3) }] }));
  const call = callerOf({ ...api.deps, segments: { ...api.deps.segments, readBlock: async () => block } }, authorizer);
  const { path, body } = aRequestFor(route, about);
  return call(route.method, path, body);
}

/** Everything that the tables hold. */
async function everything(): Promise<readonly string[]> {
  const { client, traces, registry } = api.tables;
  const scans = [traces, registry].map((TableName) =>
    client.send(new ScanCommand({ TableName, ConsistentRead: true })),
  );
  const items = (await Promise.all(scans)).flatMap(({ Items = [] }) => Items.map((item) => JSON.stringify(item)));
  return items.toSorted();
}

describe.each(named)('$name', ({ route }) => {
  it.each(everybody)('is open to $who as the table says', async ({ authorizer, role }) => {
    // Of what is not there: whoever may ask changes nothing by it.
    const nothing = {
      ...subject,
      experimentId: '999',
      traceId: `tr-${'0'.repeat(32)}`,
      runId: '0'.repeat(32),
      name: 'nothing',
      text: 'nothing',
    };
    const { status, body } = await ask(route, authorizer, nothing);
    if (route.roles === undefined || (role !== undefined && route.roles.includes(role))) {
      expect([401, 403], JSON.stringify(body)).not.toContain(status);
    } else {
      expect([status, body.error_code]).toEqual(role ? [403, 'PERMISSION_DENIED'] : [401, 'UNAUTHENTICATED']);
    }
  });

  // The request names what it is about, but none of what it holds.
  it('tells and changes nothing of an experiment that the key is not for', async () => {
    const before = await everything();
    const { body } = await ask(route, key('admin', otherExperimentId), { ...subject, text: 'changed' });
    expect(JSON.stringify(body)).not.toContain(secret);
    expect(await everything()).toEqual(before);
  });

  it('tells and changes nothing of it either where the request says that it is of the key’s own', async () => {
    const marks = [
      `experiment#${otherExperimentId}"`,
      `runs#${otherExperimentId}"`,
      `"experimentId":{"S":"${otherExperimentId}"}`,
    ];
    const isOwn = (item: string) => marks.some((mark) => item.includes(mark));
    const before = (await everything()).filter((item) => !isOwn(item));
    const own = { ...subject, experimentId: otherExperimentId, text: 'changed' };
    const { body } = await ask(route, key('admin', otherExperimentId), own);
    expect(JSON.stringify(body)).not.toContain(secret);
    expect(await everything()).toEqual(expect.arrayContaining(before));
  });
});

describe('the requests of this test', () => {
  it('reach what the routes are for', async () => {
    const unreached: string[] = [];
    for (const { name, route } of named)
      if ((await ask(route, key('admin'), subject)).status === 400) unreached.push(name);
    expect(unreached.length, unreached.join(', ')).toBeLessThan(served.length / 4);
  });
});

describe('a route that is not there', () => {
  const unknown: Route = { method: 'GET', path: '/api/2.0/mlflow/nothing', handle: () => Promise.reject() };

  it.each(everybody)('is told to $who', async ({ authorizer, role }) => {
    const { status, body } = await ask(unknown, authorizer, subject);
    expect([status, body.error_code]).toEqual(role ? [404, 'ENDPOINT_NOT_FOUND'] : [401, 'UNAUTHENTICATED']);
  });
});

it('an experiment is not made with a key of some experiments', async () => {
  const call = callerOf(api.deps, key('admin', otherExperimentId));
  const { status, body } = await call('POST', '/api/2.0/mlflow/experiments/create', { name: 'new' });
  expect([status, body.error_code, body.message]).toEqual([
    403,
    'PERMISSION_DENIED',
    `the API key is limited to experiments ${otherExperimentId}: this takes one that is not limited`,
  ]);
});

it('the documents name every route and who may call it', async () => {
  const received = ['/v1/traces', '/api/2.0/otel/v1/traces'].map((path) => ({
    name: `POST ${path}`,
    route: { roles: ingesters },
  }));
  const row = ({ name, route }: { name: string; route: Pick<Route, 'roles'> }) => {
    const marks = roles.map((role) => (route.roles === undefined || route.roles.includes(role) ? '✓' : ' '));
    return `| \`${name}\` | ${route.roles === undefined ? '✓' : ' '} | ${marks.join(' | ')} |`;
  };
  const table = [
    '# Routes',
    '',
    'Who may call what; written by `routes-and-roles.test.ts` (`vitest -u`). [api.md](api.md) says what the roles are.',
    '',
    `| route | no key | ${roles.join(' | ')} |`,
    `|---|${' :-: |'.repeat(roles.length + 1)}`,
    ...[...received, ...named].map(row),
    '',
  ];
  await expect(table.join('\n')).toMatchFileSnapshot('../../../../docs/routes.md');
});
