import { CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import {
  HttpIamAuthorizer,
  HttpLambdaAuthorizer,
  HttpLambdaResponseType,
} from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { AuthorizeRequestEnv } from '../../functions/authorize-request/env.ts';
import type { ReceiveTracesEnv } from '../../functions/receive-traces/env.ts';
import type { ServeApiEnv } from '../../functions/serve-api/env.ts';
import { grantObjects, grantPutRecords, grantSendMessages, grantTable } from './grants.ts';
import { RequestCounts } from './request-counts.ts';
import { ServiceFunction } from './service-function.ts';
import type { TraceArchive } from './trace-archive.ts';
import type { WorkQueue } from './work-queue.ts';

export interface TraceApiProps {
  readonly traces: TableV2;
  readonly registry: TableV2;
  readonly traceStore: IBucket;
  readonly arrivals: WorkQueue;
  readonly archive: TraceArchive;
  readonly backfills: StateMachine;
  /** Judges what somebody waits for. */
  readonly runScorers: NodejsFunction;
  readonly traceRetentionDays: number;
}

type Counted = TraceApiProps & { readonly requestCounts: TableV2 };

/** One HTTP API: OTLP goes to receive-traces, everything else to serve-api. */
export class TraceApi extends Construct {
  readonly api: HttpApi;
  readonly receiveTraces: NodejsFunction;
  readonly serveApi: NodejsFunction;
  readonly authorizeRequest: NodejsFunction;

  constructor(scope: Construct, id: string, props: TraceApiProps) {
    super(scope, id);
    const requestCounts = new RequestCounts(this, 'RequestCounts').table;
    this.receiveTraces = this.#receiveTraces({ ...props, requestCounts });
    this.serveApi = this.#serveApi({ ...props, requestCounts });
    this.authorizeRequest = this.#authorizeRequest(props);
    const serve = new HttpLambdaIntegration('Serve', this.serveApi);
    this.api = new HttpApi(this, 'Api', {
      description: 'Assay: traces in, answers out',
      createDefaultStage: false,
      defaultIntegration: serve,
      defaultAuthorizer: new HttpLambdaAuthorizer('Keys', this.authorizeRequest, {
        responseTypes: [HttpLambdaResponseType.SIMPLE],
        identitySource: ['$request.header.Authorization'],
        // A revoked key lives so long.
        resultsCacheTtl: Duration.seconds(60),
      }),
    });
    this.#addRoutes(serve);
    this.#addStage();
    new CfnOutput(this, 'ApiUrl', { value: this.api.apiEndpoint, description: 'URL of the API' }).overrideLogicalId(
      'ApiUrl',
    );
  }

  #addRoutes(serve: HttpLambdaIntegration): void {
    const receive = new HttpLambdaIntegration('Receive', this.receiveTraces);
    const authorizer = new HttpNoneAuthorizer();
    this.api.addRoutes({ path: '/v1/traces', methods: [HttpMethod.POST], integration: receive });
    // As Databricks' exporters have it.
    this.api.addRoutes({ path: '/api/2.0/otel/v1/traces', methods: [HttpMethod.POST], integration: receive });
    this.api.addRoutes({ path: '/v1/{proxy+}', methods: [HttpMethod.ANY], integration: receive });
    // A route has one authorizer: callers who sign with their credentials of AWS have routes of their own.
    const iam = { authorizer: new HttpIamAuthorizer() };
    this.api.addRoutes({ path: '/iam/v1/traces', methods: [HttpMethod.POST], integration: receive, ...iam });
    this.api.addRoutes({
      path: '/iam/api/2.0/otel/v1/traces',
      methods: [HttpMethod.POST],
      integration: receive,
      ...iam,
    });
    this.api.addRoutes({ path: '/iam/v1/{proxy+}', methods: [HttpMethod.ANY], integration: receive, ...iam });
    this.api.addRoutes({ path: '/iam/{proxy+}', methods: [HttpMethod.ANY], integration: serve, ...iam });
    const open = [
      ...this.api.addRoutes({ path: '/health', methods: [HttpMethod.GET], integration: serve, authorizer }),
      ...this.api.addRoutes({ path: '/version', methods: [HttpMethod.GET], integration: serve, authorizer }),
    ];
    const reason =
      'load balancers and MLflow clients ask for health and version before they have a key; neither tells anything else';
    for (const route of open) Validations.of(route).acknowledge({ id: 'AwsSolutions-APIG4', reason });
  }

  #addStage(): void {
    const logGroup = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      // The account's default is 10,000 a second for all its APIs together.
      throttle: { rateLimit: 2_000, burstLimit: 4_000 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
  }

  #receiveTraces({ registry, requestCounts, traceStore, arrivals }: Counted): NodejsFunction {
    const { lambda } = new ServiceFunction<ReceiveTracesEnv>(this, 'ReceiveTraces', {
      name: 'receive-traces',
      timeout: Duration.seconds(15),
      // Holds a JSON body of 64 MiB, parsed.
      memorySize: 1024,
      environment: {
        REGISTRY_TABLE: registry.tableName,
        REQUEST_COUNTS_TABLE: requestCounts.tableName,
        ARRIVALS_QUEUE_URL: arrivals.queue.queueUrl,
        TRACE_STORE_BUCKET: traceStore.bucketName,
      },
    });
    // An unknown table is told which are known: Query and BatchGetItem are for that.
    grantTable(registry, lambda, ['BatchGetItem', 'GetItem', 'Query']);
    grantTable(requestCounts, lambda, ['UpdateItem']);
    grantObjects(traceStore, lambda, { write: ['inbox/*'] });
    grantSendMessages(arrivals.queue, lambda);
    return lambda;
  }

  #serveApi({
    traces,
    registry,
    requestCounts,
    traceStore,
    arrivals,
    archive,
    backfills,
    runScorers,
    traceRetentionDays,
  }: Counted): NodejsFunction {
    const { lambda } = new ServiceFunction<ServeApiEnv>(this, 'ServeApi', {
      name: 'serve-api',
      timeout: Duration.seconds(29),
      memorySize: 1024,
      environment: {
        TRACES_TABLE: traces.tableName,
        REGISTRY_TABLE: registry.tableName,
        REQUEST_COUNTS_TABLE: requestCounts.tableName,
        TRACE_STORE_BUCKET: traceStore.bucketName,
        ARRIVALS_QUEUE_URL: arrivals.queue.queueUrl,
        ASSESSMENTS_STREAM: archive.streams.assessments.deliveryStreamName,
        BACKFILL_STATE_MACHINE: backfills.stateMachineArn,
        TRACES_STREAM: archive.streams.traces.deliveryStreamName,
        RUN_SCORERS_FUNCTION: runScorers.functionName,
        TRACE_RETENTION_DAYS: String(traceRetentionDays),
      },
    });
    grantTable(
      traces,
      lambda,
      ['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      ['by-time', 'by-session', 'by-client-request'],
    );
    grantTable(registry, lambda, [
      'BatchGetItem',
      'BatchWriteItem',
      'DeleteItem',
      'GetItem',
      'PutItem',
      'Query',
      'UpdateItem',
    ]);
    grantTable(requestCounts, lambda, ['UpdateItem']);
    grantObjects(traceStore, lambda, {
      read: ['segments/*', 'restored/*', 'answers/*', 'attachments/*', 'backfills/*'],
      write: ['segments/*', 'restored/*', 'answers/*', 'attachments/*', 'backfills/*'],
      remove: ['attachments/*'],
    });
    grantSendMessages(arrivals.queue, lambda);
    grantPutRecords(archive.streams.assessments, lambda);
    backfills.grantStartExecution(lambda);
    // That a trace was deleted.
    grantPutRecords(archive.streams.traces, lambda);
    // The library's grant is for its versions, too.
    lambda.addToRolePolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [runScorers.functionArn] }),
    );
    return lambda;
  }

  #authorizeRequest({ registry }: TraceApiProps): NodejsFunction {
    const { lambda } = new ServiceFunction<AuthorizeRequestEnv>(this, 'AuthorizeRequest', {
      name: 'authorize-request',
      timeout: Duration.seconds(5),
      memorySize: 256,
      environment: { REGISTRY_TABLE: registry.tableName },
    });
    grantTable(registry, lambda, ['GetItem']);
    return lambda;
  }
}

const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  requestBytes: '$context.requestLength',
  responseBytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  key: '$context.authorizer.keyName',
  user: '$context.identity.userArn',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};
