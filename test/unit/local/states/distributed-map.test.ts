import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../../../local/states/execution.ts';
import { aMachine, definition, outputOf, type TestMachineOptions } from '../../../support/states/a-machine.ts';
import { FakeRoleCalls } from '../../../support/states/fake-role-calls.ts';

const slice = { Type: 'Task', Resource: 'arn:aws:lambda:us-east-1:1:function:slice', End: true };

function map(rest: object = {}, { type = 'EXPRESS', state = slice }: { type?: string; state?: object } = {}): object {
  return {
    Type: 'Map',
    Label: 'slices',
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: type },
      StartAt: 'Slice',
      States: { Slice: state },
    },
    End: true,
    ...rest,
  };
}

function callsTo(handler: (event: never) => unknown): FakeRoleCalls {
  const calls = new FakeRoleCalls();
  calls.functions.slice = handler;
  return calls;
}

/** Runs a map whose children echo what they are given. */
function echoed(
  state: object,
  { input, calls = new FakeRoleCalls() }: { input?: unknown; calls?: FakeRoleCalls } = {},
) {
  calls.functions.slice = (event: unknown) => event;
  return aMachine(definition({ Slices: state }), { calls }).run(input);
}

function run(state: object, { input, ...options }: TestMachineOptions & { input?: unknown }): Promise<Execution> {
  return aMachine(definition({ Slices: state }), options).run(input);
}

function mapRunOf(execution: Execution) {
  const [record] = execution.log.recorded.mapRuns.values();
  if (!record) throw new Error('there is no Map Run');
  return record;
}

const place = { Bucket: 'data', Key: 'items' };
const getObject = 'arn:aws:states:::s3:getObject';

// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
describe('an item reader', () => {
  it.each([
    ['JSON Lines', { InputType: 'JSONL' }, '{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['JSON', { InputType: 'JSON' }, '[1, 2]', [1, 2]],
    ['JSON of an object', { InputType: 'JSON' }, '{"x": 1}', [{ Key: 'x', Value: 1 }]],
    ['a part of JSON', { InputType: 'JSON', ItemsPointer: '/a~1b/list' }, '{"a/b": {"list": [7]}}', [7]],
    ['no more than asked', { InputType: 'JSONL', MaxItems: 2 }, '1\n2\n3\n', [1, 2]],
    ['what is compressed', { InputType: 'JSONL' }, gzipSync('1\n2\n'), [1, 2]],
    [
      'CSV with headers',
      { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' },
      'id,text\r\n1,"a, ""b"""\r\n2,c\r\n',
      [
        { id: '1', text: 'a, "b"' },
        { id: '2', text: 'c' },
      ],
    ],
    [
      'CSV without',
      { InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: ['id', 'n'], CSVDelimiter: 'PIPE' },
      '1|2\n',
      [{ id: '1', n: '2' }],
    ],
  ])('reads %s', async (_, ReaderConfig, body, items) => {
    const calls = new FakeRoleCalls();
    calls.put('data/items', body);
    const state = map({ ItemReader: { Resource: getObject, ReaderConfig, Arguments: place } });
    expect(outputOf(await echoed(state, { calls }))).toEqual(items);
  });

  it('reads the data files of an UNLOAD by its manifest', async () => {
    const calls = new FakeRoleCalls();
    calls.put('data/items', 's3://data/out/1.gz\ns3://data/out/2.gz\n');
    calls.put('data/out/1.gz', gzipSync('{"id":"a"}\n{"id":"b"}\n'));
    calls.put('data/out/2.gz', gzipSync('{"id":"c"}\n'));
    const ReaderConfig = { ManifestType: 'ATHENA_DATA', InputType: 'JSONL' };
    const state = map({ ItemReader: { Resource: getObject, ReaderConfig, Arguments: place } });
    expect(outputOf(await echoed(state, { calls }))).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  });

  it.each([
    [
      'NONE',
      [
        { Etag: '"e"', Key: 'in/1', LastModified: 1_767_225_600, Size: 4, StorageClass: 'STANDARD' },
        { Etag: '"e"', Key: 'in/2', LastModified: 1_767_225_600, Size: 2, StorageClass: 'STANDARD' },
      ],
    ],
    ['LOAD_AND_FLATTEN', [1, 2, 3]],
  ])('lists objects: %s', async (Transformation, items) => {
    const calls = new FakeRoleCalls();
    calls.put('data/in/1', '1\n2\n');
    calls.put('data/in/2', '3\n');
    calls.put('data/other', '4\n');
    const state = map({
      ItemReader: {
        Resource: 'arn:aws:states:::s3:listObjectsV2',
        ReaderConfig: { InputType: 'JSONL', Transformation },
        Arguments: { Bucket: 'data', Prefix: 'in/' },
      },
    });
    expect(outputOf(await echoed(state, { calls }))).toEqual(items);
  });

  it('fails on an object that is not there', async () => {
    const state = map({ ItemReader: { Resource: getObject, ReaderConfig: { InputType: 'JSONL' }, Arguments: place } });
    const execution = await echoed(state);
    expect(execution.log.recorded.end?.error).toBe('States.ItemReaderFailed');
    expect(execution.log.recorded.mapRuns.size).toBe(0);
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
describe('an item batcher', () => {
  it('puts so many items into a child, beside what all get', async () => {
    const ItemBatcher = { MaxItemsPerBatch: 2, BatchInput: { id: '{% $states.context.Execution.Name %}' } };
    expect(outputOf(await echoed(map({ ItemBatcher }), { input: [1, 2, 3] }))).toEqual([
      { BatchInput: { id: 'one' }, Items: [1, 2] },
      { BatchInput: { id: 'one' }, Items: [3] },
    ]);
  });

  it('takes its limits from expressions', async () => {
    const ItemBatcher = { MaxItemsPerBatch: '{% 1 + 1 %}' };
    expect(outputOf(await echoed(map({ ItemBatcher }), { input: [1, 2, 3] }))).toHaveLength(2);
  });

  // {"Items":["aa","bb"]} has 21 bytes.
  it.each([
    [21, [['aa', 'bb'], ['cc']]],
    [20, [['aa'], ['bb'], ['cc']]],
  ])('keeps a child to %i bytes', async (MaxInputBytesPerBatch, batches) => {
    const ItemBatcher = { MaxItemsPerBatch: 10, MaxInputBytesPerBatch };
    const output = outputOf(await echoed(map({ ItemBatcher }), { input: ['aa', 'bb', 'cc'] }));
    expect(output).toEqual(batches.map((Items) => ({ Items })));
  });

  it('selects before it batches', async () => {
    const ItemSelector = { n: '{% $states.context.Map.Item.Value %}', all: '{% $count($states.input) %}' };
    expect(
      outputOf(await echoed(map({ ItemSelector, ItemBatcher: { MaxItemsPerBatch: 9 } }), { input: [5, 6] })),
    ).toEqual([
      {
        Items: [
          { n: 5, all: 2 },
          { n: 6, all: 2 },
        ],
      },
    ]);
  });

  it('keeps batches to what a child can be given, and fails on an item that no child can', async () => {
    const large = 'x'.repeat(100_000);
    const calls = new FakeRoleCalls();
    calls.put('data/items', JSON.stringify([large, large, large]));
    const reader = { Resource: getObject, ReaderConfig: { InputType: 'JSON' }, Arguments: place };
    const batched = map({ ItemReader: reader, ItemBatcher: { MaxItemsPerBatch: 10 } });
    const execution = await run(batched, { calls: Object.assign(calls, { functions: { slice: () => 1 } }) });
    expect(mapRunOf(execution).children.map(({ items }) => items)).toEqual([2, 1]);
    calls.put('data/items', JSON.stringify(['x'.repeat(300_000)]));
    const failed = await run(map({ ItemReader: reader }), { calls });
    expect(failed.log.recorded.end?.error).toBe('States.DataLimitExceeded');
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
describe('the children', () => {
  it('are executions of their own, whose states see no variables around the map', async () => {
    const state = {
      Type: 'Pass',
      Output: { context: '{% $states.context %}', seen: '{% $exists($x) %}' },
      End: true,
    };
    const states = { First: { Type: 'Pass', Assign: { x: 1 }, Next: 'Slices' }, Slices: map({}, { state }) };
    const [child] = outputOf(await aMachine(definition(states)).run(['a'])) as { context: Context; seen: boolean }[];
    expect(child?.seen).toBe(false);
    expect(child?.context.Execution).toMatchObject({ Input: 'a', Name: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(child?.context.Execution.Id).toMatch(/^arn:aws:states:us-east-1:123456789012:express:Backfill\/slices:/);
    expect(child?.context.StateMachine.Name).toBe('Backfill/slices');
  });

  interface Context {
    readonly Execution: { readonly Id: string };
    readonly StateMachine: { readonly Name: string };
  }

  it('need the right to start executions', async () => {
    const calls = callsTo(() => 1);
    calls.mayStartChildren = false;
    const execution = await run(map(), { calls, input: [1] });
    expect(execution.log.recorded.end?.error).toBe('States.Permissions');
    expect(calls.invoked).toEqual([]);
  });

  it('run no more at a time than MaxConcurrency says', async () => {
    let running = 0;
    let most = 0;
    const calls = callsTo(async () => {
      most = Math.max(most, ++running);
      // No more than microtasks: the clock stands still as long as there are any.
      for (let i = 0; i < 20; i++) await undefined;
      running--;
    });
    await run(map({ MaxConcurrency: '{% 3 %}' }), { calls, input: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect([calls.invoked.length, most]).toEqual([8, 3]);
  });

  it('of type EXPRESS time out after five minutes', async () => {
    const state = { Type: 'Wait', Seconds: 301, End: true };
    const express = await run(map({}, { state }), { input: [1] });
    expect([...mapRunOf(express).ends.values()]).toMatchObject([{ status: 'TIMED_OUT', error: 'States.Timeout' }]);
    const standard = await run(map({}, { state, type: 'STANDARD' }), { input: [1] });
    expect(outputOf(standard)).toEqual([1]);
  });

  it('are transitions if STANDARD and requests if EXPRESS', async () => {
    const calls = callsTo(() => 1);
    const standard = await run(map({}, { type: 'STANDARD' }), { calls, input: [1, 2, 3] });
    expect([standard.log.recorded.transitions, standard.log.recorded.expressRequests]).toEqual([4, 0]);
    const express = await run(map(), { calls, input: [1, 2, 3] });
    expect([express.log.recorded.transitions, express.log.recorded.expressRequests]).toEqual([1, 3]);
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold
describe('failures of children', () => {
  const failing = (bad: readonly number[]) =>
    callsTo((n: number) => {
      if (bad.includes(n)) throw Object.assign(new Error('bad'), { name: 'BadSlice' });
      return n;
    });
  const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  it.each([
    [{}, [], 'SUCCEEDED'],
    [{}, [9], 'FAILED'],
    [{ ToleratedFailureCount: 2 }, [1, 2], 'SUCCEEDED'],
    [{ ToleratedFailureCount: 2 }, [1, 2, 3], 'FAILED'],
    [{ ToleratedFailurePercentage: 20 }, [1, 2], 'SUCCEEDED'],
    [{ ToleratedFailurePercentage: '{% 20 %}' }, [1, 2, 3], 'FAILED'],
    [{ ToleratedFailurePercentage: 100, ToleratedFailureCount: 1 }, [1, 2], 'FAILED'],
  ])('are tolerated as far as said: %j of %j', async (tolerance, bad, status) => {
    const execution = await run(map(tolerance), { calls: failing(bad), input: ten });
    expect(execution.log.recorded.end?.status).toBe(status);
    expect(mapRunOf(execution).status).toBe(status);
    if (status === 'FAILED')
      expect(execution.log.recorded.end).toMatchObject({
        error: 'States.ExceedToleratedFailureThreshold',
        cause: 'The specified tolerated failure threshold was exceeded',
      });
  });

  it('are counted by items where they are batched', async () => {
    const calls = callsTo(({ Items }: { Items: number[] }) => {
      if (Items.includes(0)) throw new Error('bad');
    });
    const tolerating = (ToleratedFailureCount: number) =>
      run(map({ ToleratedFailureCount, ItemBatcher: { MaxItemsPerBatch: 4 } }), { calls, input: ten });
    expect((await tolerating(4)).status).toBe('SUCCEEDED');
    expect((await tolerating(3)).status).toBe('FAILED');
  });

  it('that are tolerated stand in the result as what they are', async () => {
    const execution = await run(map({ ToleratedFailureCount: 1 }), { calls: failing([1]), input: [0, 1] });
    expect(outputOf(execution)).toEqual([
      0,
      expect.objectContaining({ Status: 'FAILED', Error: 'BadSlice', Input: '1' }),
    ]);
  });

  it('end the map: no more are begun', async () => {
    const calls = failing([1]);
    const execution = await run(map({ MaxConcurrency: 1 }), { calls, input: ten });
    expect(calls.invoked.map(({ payload }) => payload)).toEqual([0, 1]);
    expect(mapRunOf(execution).ends.size).toBe(2);
  });

  it('stop the STANDARD children that run; EXPRESS ones finish', async () => {
    const states = {
      Choose: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 0 %}', Next: 'Bad' }], Default: 'Wait' },
      Bad: { Type: 'Fail', Error: 'Bad', Cause: '' },
      Wait: { Type: 'Wait', Seconds: 10, End: true },
    };
    const typed = async (ExecutionType: string) => {
      const ItemProcessor = {
        ...{ ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType }, StartAt: 'Choose', States: states },
      };
      return [...mapRunOf(await run(map({ ItemProcessor }), { input: [1, 0] })).ends]
        .toSorted(([a], [b]) => a - b)
        .map(([, { status }]) => status);
    };
    expect(await typed('STANDARD')).toEqual(['ABORTED', 'FAILED']);
    expect(await typed('EXPRESS')).toEqual(['SUCCEEDED', 'FAILED']);
  });

  it('can be caught, and retried with a Map Run of its own', async () => {
    let left = 1;
    const calls = callsTo(() => {
      if (left-- > 0) throw new Error('once');
      return 'ok';
    });
    const Retry = [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], MaxAttempts: 1 }];
    const execution = await run(map({ Retry, MaxConcurrency: 1 }), { calls, input: [1, 2] });
    expect(outputOf(execution)).toEqual(['ok', 'ok']);
    expect([...execution.log.recorded.mapRuns.values()].map(({ status }) => status)).toEqual(['FAILED', 'SUCCEEDED']);
  });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
describe('a result writer', () => {
  const writer = (WriterConfig?: object) => ({
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Arguments: { Bucket: 'out', Prefix: 'backfill' },
      ...(WriterConfig && { WriterConfig }),
    },
  });
  const lists = (n: number) => {
    if (n === 2) throw Object.assign(new Error('bad'), { name: 'BadSlice' });
    return [n, n];
  };

  it('writes a manifest and a file a status, and the state says where', async () => {
    const calls = callsTo(lists);
    const execution = await run(map({ ...writer(), ToleratedFailureCount: 1 }), { calls, input: [1, 2] });
    const { id } = mapRunOf(execution);
    const MapRunArn = `arn:aws:states:us-east-1:123456789012:mapRun:Backfill/slices:${id}`;
    const Key = `backfill/${id}/manifest.json`;
    expect(outputOf(execution)).toEqual({ MapRunArn, ResultWriterDetails: { Bucket: 'out', Key } });
    const succeeded = calls.read(`out/backfill/${id}/SUCCEEDED_0.json`);
    expect(JSON.parse(calls.read(`out/${Key}`))).toEqual({
      DestinationBucket: 'out',
      MapRunArn,
      ResultFiles: {
        FAILED: [
          { Key: `backfill/${id}/FAILED_0.json`, Size: calls.objects.get(`out/backfill/${id}/FAILED_0.json`)?.length },
        ],
        PENDING: [],
        SUCCEEDED: [{ Key: `backfill/${id}/SUCCEEDED_0.json`, Size: succeeded.length }],
      },
    });
    const name = mapRunOf(execution).children[0]?.name;
    expect(JSON.parse(succeeded)).toEqual([
      {
        ExecutionArn: `arn:aws:states:us-east-1:123456789012:express:Backfill/slices:${name}:${name}`,
        Input: '1',
        InputDetails: { Included: true },
        Name: name,
        Output: '[1,1]',
        OutputDetails: { Included: true },
        StartDate: '2026-01-01T00:00:00.000Z',
        StopDate: '2026-01-01T00:00:00.000Z',
        StateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:Backfill/slices',
        Status: 'SUCCEEDED',
      },
    ]);
    expect(JSON.parse(calls.read(`out/backfill/${id}/FAILED_0.json`))).toMatchObject([
      { Status: 'FAILED', Error: 'BadSlice', Cause: '{"errorType":"BadSlice","errorMessage":"bad"}' },
    ]);
  });

  it.each([
    ['COMPACT', '[1,1]\n[3,3]\n'],
    ['FLATTEN', '1\n1\n3\n3\n'],
  ])('writes JSON Lines: %s', async (Transformation, text) => {
    const calls = callsTo(lists);
    const state = map(writer({ OutputType: 'JSONL', Transformation }));
    const execution = await run(state, { calls, input: [1, 3] });
    expect(calls.read(`out/backfill/${mapRunOf(execution).id}/SUCCEEDED_0.jsonl`)).toBe(text);
  });

  it('can only shape the result', async () => {
    const state = map({ ResultWriter: { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' } } });
    expect(outputOf(await run(state, { calls: callsTo(lists), input: [1, 3] }))).toEqual([1, 1, 3, 3]);
  });

  it('writes of a run that failed, too, and what was not begun', async () => {
    const calls = callsTo(lists);
    const execution = await run(map({ ...writer(), MaxConcurrency: 1 }), { calls, input: [1, 2, 3] });
    const { id } = mapRunOf(execution);
    expect(execution.status).toBe('FAILED');
    expect(JSON.parse(calls.read(`out/backfill/${id}/PENDING_0.json`))).toMatchObject([
      { Input: '3', Status: 'PENDING' },
    ]);
  });

  it('spares a result that is too large for a state', async () => {
    const calls = callsTo(() => 'x'.repeat(100_000));
    const large = await run(map(), { calls, input: [1, 2, 3] });
    expect(large.log.recorded.end?.error).toBe('States.DataLimitExceeded');
    expect(outputOf(await run(map(writer()), { calls, input: [1, 2, 3] }))).toHaveProperty('ResultWriterDetails');
  });

  it('fails the state where it cannot write', async () => {
    const calls = callsTo(lists);
    calls.putObject = () => Promise.reject(new Error('AccessDenied'));
    const execution = await run(map(writer()), { calls, input: [1] });
    expect(execution.log.recorded.end).toMatchObject({ error: 'States.ResultWriterFailed', cause: 'AccessDenied' });
  });
});
