import { type CfnElement, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import {
  Choice,
  Condition,
  DefinitionBody,
  DistributedMap,
  Fail,
  ItemBatcher,
  JitterType,
  Pass,
  QueryLanguage,
  S3JsonLItemReader,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { ArchiveRestore } from './archive-restore.ts';
import { type BackfillFunctions, type BackfillFunctionsProps, backfillFunctions } from './backfill-functions.ts';
import { failureOf } from './failure-of.ts';
import { exportName } from './grants.ts';
import { patient } from './patient.ts';
import { backfillsPrefix } from './trace-buckets.ts';

export interface TraceBackfillProps extends BackfillFunctionsProps {
  readonly archiveBucket: IBucket;
}

/** Slices of a child of a map: ten thousand traces, a minute's work at most, of the five that an express execution has. */
const slicesPerChild = 10;

/** Of the file of slices and what was decided about them. */
const files = `${backfillsPrefix}*`;

const variables = {
  experimentId: '{% $backfill.experimentId %}',
  backfillId: '{% $backfill.backfillId %}',
  attempt: '{% $backfill.attempt %}',
};

/**
 * Scorers over a past range of time: plan, ask slice by slice for evaluations, wait until they have ended, conclude. What a child of a map
 * answers is a digit: the results of twenty thousand fit the 256 KiB that a state may pass on, and nothing is written to be thrown away.
 */
export class TraceBackfill extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: TraceBackfillProps) {
    super(scope, id);
    const functions = backfillFunctions(this, props);
    const restore = new ArchiveRestore(this, 'Archive', props);
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      comment: 'Assay: runs scorers on the traces of a past range of time',
      queryLanguage: QueryLanguage.JSONATA,
      definitionBody: DefinitionBody.fromChainable(
        this.#definition(functions, { traceStore: props.traceStore, restore }),
      ),
      // Waits for a queue of millions, and for models that are down.
      timeout: Duration.days(60),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    restore.grantQueries(this.stateMachine);
    this.#acknowledge({ ...functions, restore: restore.lambda }, props.traceStore);
  }

  #definition(
    functions: BackfillFunctions,
    { traceStore, restore }: { traceStore: IBucket; restore: ArchiveRestore },
  ): Pass {
    const done = new Succeed(this, 'Done', { outputs: '{% $backfill %}' });
    const refused = Fail.jsonata(this, 'Refused', {
      error: '{% $backfill.code %}',
      cause: '{% $backfill.message %}',
    });
    const failed = this.#failBackfill(functions.conclude);
    const plan = this.#plan(functions.plan);
    const enqueue = this.#overSlices('EnqueueSlices', { traceStore, lambda: functions.enqueue });
    const reconcile = this.#overSlices('ReconcileSlices', { traceStore, lambda: functions.reconcile });
    const conclude = this.#conclude(functions.conclude);
    plan.addCatch(failed, { errors: ['States.ALL'], assign: { ...failedPlan, failure } });
    for (const state of [enqueue, reconcile, conclude])
      state.addCatch(failed, { errors: ['States.ALL'], assign: { failure } });
    const wait = Wait.jsonata(this, 'WaitForEvaluations', { time: WaitTime.seconds('{% $step.seconds %}') });
    const { survey, unload } = restore.states({ plan, failed, failure });
    const planned = Choice.jsonata(this, 'Planned')
      .when(Condition.jsonata("{% $backfill.state = 'refused' %}"), refused)
      .when(Condition.jsonata("{% $backfill.next = 'survey' %}"), survey)
      .when(Condition.jsonata("{% $backfill.next = 'restore' %}"), unload)
      .when(Condition.jsonata("{% $backfill.state = 'running' and $backfill.slices > 0 %}"), enqueue)
      .when(Condition.jsonata("{% $backfill.state = 'running' %}"), conclude)
      .otherwise(done);
    const next = Choice.jsonata(this, 'Decided')
      .when(Condition.jsonata("{% $step.next = 'wait' %}"), wait)
      .when(Condition.jsonata("{% $step.next = 'enqueue' %}"), enqueue)
      .otherwise(done);
    const begin = Pass.jsonata(this, 'Begin', { assign: { archive: ArchiveRestore.begin } });
    begin.next(plan);
    plan.next(planned);
    enqueue.next(conclude);
    wait.next(reconcile);
    reconcile.next(conclude);
    conclude.next(next);
    return begin;
  }

  #plan(lambdaFunction: NodejsFunction): LambdaInvoke {
    const plan = LambdaInvoke.jsonata(this, 'Plan', {
      lambdaFunction,
      payload: TaskInput.fromObject({
        execution: '{% $states.context.Execution.Name %}',
        input: '{% $states.context.Execution.Input %}',
        archive: '{% $archive %}',
      }),
      assign: { backfill: '{% $states.result.Payload %}', round: 0 },
      outputs: '{% {} %}',
      retryOnServiceExceptions: false,
    });
    return plan.addRetry(patient) as LambdaInvoke;
  }

  #conclude(lambdaFunction: NodejsFunction): LambdaInvoke {
    const conclude = LambdaInvoke.jsonata(this, 'Conclude', {
      lambdaFunction,
      payload: TaskInput.fromObject({ ...variables, round: '{% $round %}' }),
      assign: { step: '{% $states.result.Payload %}', round: '{% $round + 1 %}' },
      outputs: '{% {} %}',
      retryOnServiceExceptions: false,
    });
    return conclude.addRetry(patient) as LambdaInvoke;
  }

  #failBackfill(lambdaFunction: NodejsFunction): LambdaInvoke {
    const fail = LambdaInvoke.jsonata(this, 'FailBackfill', {
      lambdaFunction,
      payload: TaskInput.fromObject({ ...variables, round: 0, failure: '{% $failure %}' }),
      outputs: '{% {} %}',
      retryOnServiceExceptions: false,
    });
    fail.addRetry(patient);
    fail.next(Fail.jsonata(this, 'Failed', { error: 'BackfillFailed', cause: '{% $failure %}' }));
    return fail;
  }

  /** A map over the slices, batch by batch. */
  #overSlices(id: string, { traceStore, lambda }: { traceStore: IBucket; lambda: NodejsFunction }): DistributedMap {
    const map = DistributedMap.jsonata(this, id, {
      label: id,
      mapExecutionType: StateMachineType.EXPRESS,
      jsonataMaxConcurrency: '{% $backfill.maxConcurrency %}',
      itemReader: new SliceReader({ bucket: traceStore, key: '{% $backfill.slicesKey %}' }),
      itemBatcher: new ItemBatcher({ maxItemsPerBatch: slicesPerChild, batchInput: variables }),
      outputs: '{% {} %}',
    });
    const work = LambdaInvoke.jsonata(this, `${id}Of`, {
      lambdaFunction: lambda,
      payload: TaskInput.fromText('{% $states.input %}'),
      outputs: '{% 1 %}',
      retryOnServiceExceptions: false,
    });
    map.itemProcessor(impatient(work));
    return map;
  }

  #acknowledge(functions: Readonly<Record<string, NodejsFunction>>, traceStore: IBucket): void {
    Validations.of(this.stateMachine).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason:
          'executions keep their history for 90 days; a child of a map is one call of a function, whose log tells of it',
      },
      { id: 'AwsSolutions-SF2', reason: 'its functions are traced' },
      {
        id: `AwsSolutions-IAM5[Resource::${exportName(traceStore)}/${files}]`,
        reason: 'the file of slices has a key that is made at run time',
      },
    );
    const name = JSON.stringify({
      'Fn::Select': [6, { 'Fn::Split': [':', Stack.of(this).resolve(this.stateMachine.stateMachineArn)] }],
    });
    const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${name}`;
    for (const those of ['', '/EnqueueSlices', '/ReconcileSlices']) {
      Validations.of(this.stateMachine).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${executions}${those}:*]`,
        reason: 'children of its own maps have names that are made at run time',
      });
    }
    for (const lambda of Object.values(functions)) {
      const id = Stack.of(this).getLogicalId(lambda.node.defaultChild as CfnElement);
      Validations.of(this.stateMachine).acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${id}.Arn>:*]`,
        reason: 'versions of its own functions: the library grants them with the function',
      });
    }
  }
}

/** In the place of what the plan answers, where it did not answer. */
const failedPlan = {
  backfill: {
    experimentId: '{% $string($states.context.Execution.Input.experiment_id) %}',
    backfillId:
      '{% $exists($states.context.Execution.Input.backfill_id) ? $states.context.Execution.Input.backfill_id : $states.context.Execution.Name %}',
    attempt: '{% $exists($states.context.Execution.Input.attempt) ? $states.context.Execution.Input.attempt : 1 %}',
  },
};

const failure = failureOf('errorMessage');

/** An express execution ends after five minutes. Throttling passes sooner than what is broken. */
function impatient(task: LambdaInvoke): LambdaInvoke {
  const waits = {
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxDelay: Duration.seconds(20),
    jitterStrategy: JitterType.FULL,
  };
  task.addRetry({ errors: ['Lambda.TooManyRequestsException'], maxAttempts: 12, ...waits });
  task.addRetry({ errors: ['States.ALL'], maxAttempts: 3, ...waits });
  return task;
}

/** The library's reader may read the whole bucket; this one the files of backfills. */
class SliceReader extends S3JsonLItemReader {
  override providePolicyStatements(): PolicyStatement[] {
    return [new PolicyStatement({ actions: ['s3:GetObject'], resources: [this.bucket.arnForObjects(files)] })];
  }
}
