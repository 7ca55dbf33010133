import { join } from 'node:path';
import { type Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Architecture, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface ServiceFunctionProps<Env extends Record<string, unknown>> {
  /** Its folder in `functions/`. */
  readonly name: string;
  readonly timeout: Duration;
  readonly memorySize: number;
  /** What `functions/<name>/env.ts` asks for: leaving a variable out does not compile. */
  readonly environment: { readonly [K in keyof Env]: string };
  /** False: its role may do nothing but write its log. */
  readonly isTraced?: boolean;
  /** What lies beside the bundle: programs of threads and processes, and files that they read. */
  readonly beside?: Beside;
}

interface Beside {
  /** Path in the asset, `.mjs`, by path in the repository. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Folder in the asset by path in the repository. */
  readonly files?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../..');

/** A Lambda function bundled from `functions/<name>/handler.ts`: the only way to make one. */
export class ServiceFunction<Env extends Record<string, unknown>> extends Construct {
  readonly lambda: NodejsFunction;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<Env>) {
    super(scope, id);
    const { name, timeout, memorySize, environment, isTraced = true, beside = {} } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.lambda = new NodejsFunction(this, 'Function', {
      description: `assay ${name}`,
      entry: join(root, 'functions', name, 'handler.ts'),
      projectRoot: root,
      depsLockFilePath: join(root, 'package-lock.json'),
      // Named, not "latest": that would move with the library.
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout,
      memorySize,
      environment: { ...environment, POWERTOOLS_SERVICE_NAME: name },
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: isTraced ? Tracing.ACTIVE : Tracing.DISABLED,
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        minify: true,
        // The runtime's own SDK changes under us; ours is the one that was tested.
        bundleAwsSDK: true,
        mainFields: ['module', 'main'],
        // Some dependencies are CommonJS and call require for Node's own modules.
        banner:
          "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
        commandHooks: {
          beforeBundling: () => [],
          beforeInstall: () => [],
          afterBundling: (inputDir, outputDir) => commandsFor(beside, { inputDir, outputDir }),
        },
      },
    });
    acknowledgeManagedPolicies(this.lambda);
  }
}

/** Shell commands that put what lies beside a bundle into its asset. */
function commandsFor(
  { programs = {}, files = {} }: Beside,
  { inputDir, outputDir }: { inputDir: string; outputDir: string },
): string[] {
  const bundled = Object.entries(programs).map(
    ([source, target]) =>
      `npx --no-install esbuild --bundle "${inputDir}/${source}" --outfile="${outputDir}/${target}" --platform=node --target=node24 --format=esm --minify --log-level=warning`,
  );
  const copied = Object.entries(files).map(
    ([source, target]) => `mkdir -p "${outputDir}/${target}" && cp "${inputDir}/${source}" "${outputDir}/${target}/"`,
  );
  return [...bundled, ...copied];
}

function acknowledgeManagedPolicies(lambda: NodejsFunction): void {
  Validations.of(lambda).acknowledge(
    {
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      reason: "writing its own log is all that AWS's managed policy grants",
    },
    { id: 'AwsSolutions-IAM5[Resource::*]', reason: 'X-Ray takes segments for no particular resource' },
  );
}
