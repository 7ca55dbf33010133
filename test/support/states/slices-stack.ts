import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Fail,
  ItemBatcher,
  OutputType,
  QueryLanguage,
  ResultWriterV2,
  S3JsonLItemReader,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Transformation,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';

const root = join(import.meta.dirname, '../../..');

/** A machine of the kind that a backfill is, synthesized as the app is: plan, map over slices, wait, decide. Answers the assembly's folder. */
export function synthesizeSlices(outdir: string): string {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
  const app = new App({ outdir, context: { ...context, 'aws:cdk:enable-asset-metadata': true } });
  const stack = new Stack(app, 'Slices');
  const bucket = new Bucket(stack, 'Bucket');
  const lambdaFunction = new NodejsFunction(stack, 'Work', {
    entry: join(import.meta.dirname, 'slice-function.ts'),
    projectRoot: root,
    depsLockFilePath: join(root, 'package-lock.json'),
    runtime: Runtime.NODEJS_24_X,
    timeout: Duration.seconds(30),
    environment: { BUCKET: bucket.bucketName },
    bundling: { format: OutputFormat.ESM, target: 'node24', bundleAwsSDK: true, mainFields: ['module', 'main'] },
  });
  bucket.grantPut(lambdaFunction);
  const machine = new StateMachine(stack, 'Machine', {
    queryLanguage: QueryLanguage.JSONATA,
    timeout: Duration.days(1),
    definitionBody: DefinitionBody.fromChainable(definition(stack, { bucket, lambdaFunction })),
  });
  for (const [name, value] of Object.entries({ Machine: machine.stateMachineArn, Bucket: bucket.bucketName }))
    new CfnOutput(stack, `${name}Output`, { value });
  app.synth();
  return outdir;
}

function definition(
  stack: Stack,
  { bucket, lambdaFunction }: { bucket: Bucket; lambdaFunction: NodejsFunction },
): LambdaInvoke {
  const plan = LambdaInvoke.jsonata(stack, 'Plan', {
    lambdaFunction,
    payload: TaskInput.fromObject({ plan: '{% $states.input.slices %}' }),
    assign: { ms: '{% $states.input.ms %}', least: '{% $states.input.least %}' },
    outputs: '{% $states.result.Payload %}',
  });
  const slices = DistributedMap.jsonata(stack, 'Slices', {
    ...{ mapExecutionType: StateMachineType.EXPRESS, maxConcurrency: 2, label: 'slices' },
    itemReader: new S3JsonLItemReader({ bucket, key: '{% $states.input.key %}' }),
    itemSelector: { slice: '{% $states.context.Map.Item.Value.slice + $least %}' },
    itemBatcher: new ItemBatcher({ maxItemsPerBatch: 5, batchInput: { ms: '{% $ms %}' } }),
    resultWriterV2: new ResultWriterV2({
      ...{ bucket, prefix: 'results' },
      writerConfig: { outputType: OutputType.JSONL, transformation: Transformation.COMPACT },
    }),
  });
  slices.itemProcessor(
    LambdaInvoke.jsonata(stack, 'Slice', {
      lambdaFunction,
      payload: TaskInput.fromText('{% $states.input %}'),
      outputs: '{% $states.result.Payload %}',
    }),
  );
  const settle = Wait.jsonata(stack, 'Settle', { time: WaitTime.duration(Duration.hours(1)) });
  const isWritten = Condition.jsonata('{% $contains($states.input.ResultWriterDetails.Key, "manifest.json") %}');
  const done = Choice.jsonata(stack, 'Done')
    .when(isWritten, Succeed.jsonata(stack, 'Ok'))
    .otherwise(Fail.jsonata(stack, 'NotWritten', { error: 'NotWritten' }));
  slices.addCatch(Fail.jsonata(stack, 'BadSlices', { error: 'BadSlices' }), {
    errors: ['States.ExceedToleratedFailureThreshold'],
  });
  plan.next(slices).next(settle).next(done);
  return plan;
}
