import { readFileSync } from 'node:fs';
import { Validations } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import { currentView } from '../../../infra/constructs/views.ts';
import { assessmentColumns, spanColumns, traceColumns } from '../../../shared/contracts/archive-columns.ts';
import { synthesizedApp } from '../../support/synth.ts';

const { storage, monitoring } = synthesizedApp();

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, never>>;
  readonly DeletionPolicy?: string;
}

function resourcesOf(template: Template, type: string): readonly Resource[] {
  return Object.values(template.findResources(type)) as Resource[];
}

/** Hashes of assets change with every line of a function. */
function withoutHashes(template: Template): unknown {
  return JSON.parse(JSON.stringify(template.toJSON()).replace(/[0-9a-f]{64}/g, '<hash>'));
}

describe('what holds data', () => {
  const stateful = ['AWS::DynamoDB::GlobalTable', 'AWS::S3::Bucket'];

  it.each(stateful)('outlives the stack: %s', (type) => {
    expect(resourcesOf(storage, type).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(
      resourcesOf(storage, type).map(() => 'Retain'),
    );
  });

  it.each(stateful)('goes with an ephemeral stack: %s', (type) => {
    const { storage: ephemeral } = synthesizedApp({ ephemeral: 'true' });
    expect(resourcesOf(ephemeral, type).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(
      resourcesOf(ephemeral, type).map(() => 'Delete'),
    );
  });

  it('leaves nothing behind of an ephemeral app, logs included', () => {
    const { storage: stored, monitoring: working } = synthesizedApp({ ephemeral: 'true' });
    const resources = [stored, working].flatMap((template) => Object.entries(template.toJSON().Resources as object));
    const kept = resources.filter(([, { DeletionPolicy }]) => DeletionPolicy?.startsWith('Retain'));
    expect(resources.length).toBeGreaterThan(50);
    expect(kept.map(([id]) => id)).toEqual([]);
  });

  it('is encrypted, private and reached over TLS alone', () => {
    storage.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: Match.anyValue(),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    storage.resourceCountIs('AWS::S3::BucketPolicy', 3);
  });

  it('expires after the retention that was asked for, bodies after the dead letters that may point to them', () => {
    const { storage: short, monitoring: writers } = synthesizedApp({ traceRetentionDays: '7' });
    short.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'segments/', ExpirationInDays: 8 }),
          Match.objectLike({ Prefix: 'restored/', ExpirationInDays: 8 }),
          Match.objectLike({ Prefix: 'inbox/', ExpirationInDays: 19 }),
        ]),
      },
    });
    // Whoever writes items of traces has them expire alike.
    const functions = Object.values(writers.findResources('AWS::Lambda::Function')) as {
      readonly Properties: { readonly FunctionName?: string; readonly Environment?: { readonly Variables?: object } };
    }[];
    const days = functions.flatMap(({ Properties: { Environment } }) =>
      Object.entries(Environment?.Variables ?? {}).filter(([name]) => name.endsWith('_DAYS')),
    );
    expect(days.length).toBeGreaterThan(8);
    expect(days).toEqual(days.map(() => ['TRACE_RETENTION_DAYS', '7']));
  });
});

describe('the traces table', () => {
  it('has four indexes of keys only, and forgets by expiresAt', () => {
    storage.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      GlobalSecondaryIndexes: ['by-time', 'by-session', 'by-client-request', 'open-work'].map((IndexName) =>
        Match.objectLike({ IndexName, Projection: { ProjectionType: 'KEYS_ONLY' } }),
      ),
    });
  });
});

describe('the registry', () => {
  it('forgets by expiresAt', () => {
    const tables = storage.findResources('AWS::DynamoDB::GlobalTable', {
      Properties: { TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true } },
    });
    expect(
      Object.keys(tables)
        .map((id) => /Traces|Registry/.exec(id)?.[0])
        .toSorted(),
    ).toEqual(['Registry', 'Traces']);
  });
});

describe('the open-work index', () => {
  it('is sorted by a number, as due times are', () => {
    storage.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      AttributeDefinitions: Match.arrayWith([{ AttributeName: 'dueAt', AttributeType: 'N' }]),
    });
  });
});

describe('the archive', () => {
  it.each([
    ['traces', traceColumns],
    ['spans', spanColumns],
    ['assessments', assessmentColumns],
  ])('has a table %s of the declared columns, its partitions projected', (name, columns) => {
    storage.hasResourceProperties('AWS::Glue::Table', {
      TableInput: {
        Name: name,
        PartitionKeys: [{ Name: 'dt', Type: 'string' }],
        Parameters: Match.objectLike({ 'projection.enabled': 'true', 'projection.dt.type': 'date' }),
        StorageDescriptor: Match.objectLike({
          Columns: Object.entries(columns).map(([Name, Type]) => ({ Name, Type })),
        }),
      },
    });
  });

  it.each(['traces', 'spans', 'assessments'] as const)('stores the query that creates the view of %s', (table) => {
    storage.hasResourceProperties('AWS::Athena::NamedQuery', { QueryString: currentView('assay', table) });
  });

  it('stops a query that scans too much', () => {
    storage.hasResourceProperties('AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: Match.objectLike({
        EnforceWorkGroupConfiguration: true,
        BytesScannedCutoffPerQuery: 100_000_000_000,
      }),
    });
  });

  it('converts rows to Parquet, keys inside JSON keeping their case', () => {
    monitoring.resourceCountIs('AWS::KinesisFirehose::DeliveryStream', 3);
    monitoring.allResourcesProperties('AWS::KinesisFirehose::DeliveryStream', {
      ExtendedS3DestinationConfiguration: Match.objectLike({
        DataFormatConversionConfiguration: Match.objectLike({
          Enabled: true,
          InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: { CaseInsensitive: false } } },
        }),
      }),
    });
  });
});

describe('a queue', () => {
  it('keeps its messages for four days, those of backfills for ten, and dead letters for fourteen', () => {
    const queues = resourcesOf(monitoring, 'AWS::SQS::Queue').map(
      ({ Properties }) => Properties as Record<string, unknown>,
    );
    const [deadLetters, working] = [
      queues.filter(({ RedrivePolicy }) => !RedrivePolicy),
      queues.filter(({ RedrivePolicy }) => RedrivePolicy),
    ];
    const days = (all: typeof queues) =>
      all.map(({ MessageRetentionPeriod }) => Number(MessageRetentionPeriod) / 86_400).toSorted();
    expect(days(deadLetters)).toEqual([14, 14, 14]);
    expect(days(working)).toEqual([10, 4, 4]);
  });

  it.each([
    { consumer: 'index-traces', timeout: 60, receives: 5 },
    { consumer: 'run-scorers', timeout: 120, receives: 10 },
  ])('gives $consumer six timeouts and $receives receives', ({ timeout, receives }) => {
    monitoring.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: timeout * 6,
      RedrivePolicy: Match.objectLike({ maxReceiveCount: receives }),
    });
  });

  it('hands over a hundred arrivals at a time, and to each of ten scoring instances, and two of backfills, as many traces as it judges side by side', () => {
    monitoring.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
    });
    monitoring.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 50,
      MaximumBatchingWindowInSeconds: 1,
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    monitoring.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('BackfillEvaluations'), 'Arn'] },
      BatchSize: 50,
      ScalingConfig: { MaximumConcurrency: 2 },
    });
  });

  it('has its failed messages reported one by one', () => {
    monitoring.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });
});

describe('the API', () => {
  it('answers without a key on two routes and no other', () => {
    const open = resourcesOf(monitoring, 'AWS::ApiGatewayV2::Route').filter(
      ({ Properties }) => Properties.AuthorizationType === 'NONE',
    );
    expect(open.map(({ Properties }) => Properties.RouteKey)).toEqual(['GET /health', 'GET /version']);
  });

  it('asks callers under /iam, and no others, for a signature of AWS', () => {
    const routes = resourcesOf(monitoring, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => Properties);
    const signed = routes.filter(({ AuthorizationType }) => AuthorizationType === 'AWS_IAM');
    expect(signed.map(({ RouteKey }) => String(RouteKey))).toEqual(
      routes.map(({ RouteKey }) => String(RouteKey)).filter((key) => key.includes(' /iam/')),
    );
    expect(signed.map(({ RouteKey }) => RouteKey)).toContain('ANY /iam/{proxy+}');
  });

  it('counts requests in a table that nothing is kept in', () => {
    monitoring.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Delete',
      Properties: Match.objectLike({ TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true } }),
    });
  });

  it('asks for a key once a minute', () => {
    monitoring.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerResultTtlInSeconds: 60,
      EnableSimpleResponses: true,
      IdentitySource: ['$request.header.Authorization'],
    });
  });

  it('logs its accesses as JSON, without bodies', () => {
    const formats = resourcesOf(monitoring, 'AWS::ApiGatewayV2::Stage').map(
      ({ Properties }) => (Properties.AccessLogSettings as unknown as { Format: string }).Format,
    );
    expect(formats).toHaveLength(1);
    expect(Object.keys(JSON.parse(formats.join()))).toEqual(
      expect.arrayContaining(['requestId', 'status', 'path', 'key']),
    );
  });
});

describe('a function', () => {
  it('runs Node 24 on arm64', () => {
    monitoring.allResourcesProperties('AWS::Lambda::Function', { Runtime: 'nodejs24.x', Architectures: ['arm64'] });
  });

  it('may do what it calls, on what it calls it on', () => {
    const policies = resourcesOf(monitoring, 'AWS::IAM::Policy').filter(
      ({ Properties }) => !JSON.stringify(Properties.Roles).includes('S3Destination'),
    );
    const statements = policies.flatMap(
      ({ Properties }) =>
        (Properties.PolicyDocument as unknown as { Statement: { Action: string | string[]; Resource: unknown }[] })
          .Statement,
    );
    const wide = statements.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
    // X-Ray has no resources.
    expect(new Set(wide)).toEqual(new Set(['xray:PutTelemetryRecords', 'xray:PutTraceSegments']));
    expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes('*'))).toEqual([]);
  });
});

describe('the state machine of backfills', () => {
  const [text = '{}'] = resourcesOf(monitoring, 'AWS::StepFunctions::StateMachine').map(({ Properties }) => {
    const [, parts] = (Properties.DefinitionString as unknown as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
    return parts.map((part) => (typeof part === 'string' ? part : 'resolved')).join('');
  });
  const { States: states } = JSON.parse(text) as { States: Record<string, Record<string, never>> };

  it.each(['EnqueueSlices', 'ReconcileSlices'])(
    'maps over slices by short executions that answer next to nothing: %s',
    (name) => {
      expect(states[name]).toMatchObject({
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
          States: { [`${name}Of`]: { Output: '{% 1 %}' } },
        },
        ItemReader: { ReaderConfig: { InputType: 'JSONL' }, Arguments: { Key: '{% $backfill.slicesKey %}' } },
        ItemBatcher: { MaxItemsPerBatch: 10 },
      });
      expect(states[name]).not.toHaveProperty('ResultWriter');
    },
  );

  it('tells a backfill of everything that its execution cannot go on for', () => {
    for (const name of [
      'Plan',
      'SurveyArchive',
      'ReadSurvey',
      'RestoreTraces',
      ...['EnqueueSlices', 'ReconcileSlices', 'Conclude'],
    ])
      expect(states[name]?.Catch).toMatchObject([{ ErrorEquals: ['States.ALL'], Next: 'FailBackfill' }]);
  });

  it('reads the files of backfills, and no others', () => {
    monitoring.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('BackfillStateMachineRole') }],
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 's3:GetObject',
            Resource: Match.arrayWith([{ 'Fn::Join': ['', [Match.anyValue(), '/backfills/*']] }]),
          }),
        ]),
      }),
    });
  });

  it('unloads to a new place each time, a few times, and restores what the manifest names', () => {
    expect(states.UnloadTraces).toMatchObject({
      Resource: 'arn:resolved:states:::athena:startQueryExecution.sync',
      Arguments: { QueryString: '{% $backfill.query %}', WorkGroup: 'assay-backfills' },
      Assign: { manifest: '{% $states.result.QueryExecution.Statistics.DataManifestLocation %}' },
      Catch: [
        {
          ErrorEquals: ['States.ALL'],
          Next: 'UnloadFailed',
          Assign: { archive: expect.stringContaining('tries + 1') },
        },
      ],
    });
    expect(states.UnloadTraces).not.toHaveProperty('Retry');
    expect(states.UnloadFailed).toMatchObject({ Choices: [{ Next: 'WaitForArchive' }], Default: 'FailBackfill' });
    expect(states.RestoreTraces).toMatchObject({ Items: '{% [0..$backfill.buckets - 1] %}', Next: 'Plan' });
  });

  it('tells of a query that failed why, and not its text', async () => {
    const told = async (Cause: string) => {
      const catches = states.SurveyArchive?.Catch as
        | readonly { readonly Assign: { readonly failure: string } }[]
        | undefined;
      const expression = catches?.[0]?.Assign.failure ?? '';
      const states_ = { errorOutput: { Error: 'States.TaskFailed', Cause } };
      return jsonata(expression.slice(2, -2)).evaluate({}, { states: states_ });
    };
    const execution = {
      Query: 'SELECT '.repeat(500),
      Status: { State: 'FAILED', StateChangeReason: 'Query exhausted resources' },
    };
    expect(await told(JSON.stringify(execution))).toBe('States.TaskFailed: Query exhausted resources');
    expect(await told('no JSON')).toBe('States.TaskFailed: no JSON');
  });

  it('keeps what was unloaded for days, and what was restored a day longer than its items', () => {
    storage.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'restored/', ExpirationInDays: 31 }),
          Match.objectLike({ Prefix: 'unloaded/', ExpirationInDays: 3 }),
        ]),
      },
    });
  });

  it('asks Athena in a workgroup of its own, whose results lie in a bucket of ours', () => {
    monitoring.hasResourceProperties('AWS::Athena::WorkGroup', {
      Name: 'assay-backfills',
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        ResultConfiguration: { OutputLocation: { 'Fn::Join': ['', Match.arrayWith(['/unloaded/results/'])] } },
      },
    });
  });
});

describe('alarms', () => {
  it('say what they mean, name their section, and reach the topic', () => {
    const alarms = resourcesOf(monitoring, 'AWS::CloudWatch::Alarm');
    expect(alarms).toHaveLength(13);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmDescription).toMatch(/See "[^"]+" in docs\/operations\.md/);
      expect(Properties.AlarmActions).toHaveLength(1);
    }
  });

  it('name sections that the operations page has', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    for (const { Properties } of resourcesOf(monitoring, 'AWS::CloudWatch::Alarm')) {
      const section = String(Properties.AlarmDescription).match(/See "([^"]+)"/)?.[1];
      expect(page).toContain(`\n## ${section}\n`);
    }
  });

  it('may publish to their topic: its own policy takes the place of the one that would let them', () => {
    monitoring.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });

  it('tell an address that was given', () => {
    synthesizedApp({ alarmEmail: 'you@example.com' }).monitoring.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'you@example.com',
    });
  });
});

describe('the app', () => {
  it.each<Record<string, string>>([{}, { ephemeral: 'true' }])(
    'synthesizes without a finding of validation or cdk-nag (%o)',
    (context) => {
      const { app } = synthesizedApp(context);
      Validations.of(app).addPlugins(new AwsSolutionsChecks());
      expect(() => app.synth({ force: true })).not.toThrow();
    },
  );

  it('changes its templates knowingly', () => {
    expect(withoutHashes(storage)).toMatchSnapshot('storage');
    expect(withoutHashes(monitoring)).toMatchSnapshot('monitoring');
  });
});
