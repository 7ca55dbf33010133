import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Client, createClient } from '../sdk/index.ts';
import { bedrock, secretsManager } from '../shared/adapters/aws-clients.ts';
import { dynamoKeyStore } from '../shared/adapters/dynamo-key-store.ts';
import { judgeModels } from '../shared/adapters/judge-models.ts';
import { secretsManagerKeys } from '../shared/adapters/secrets-manager-keys.ts';
import { type JudgeModelsConfig, judgeModelsText } from '../shared/contracts/judge-models-config.ts';
import type { JudgeModels } from '../shared/domain/judging/judge-model.ts';
import type { KeyStore } from '../shared/domain/ports.ts';
import { type Archive, openArchive } from './archive.ts';
import { UsageError } from './usage-error.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly key?: string;
  /** Name that the stacks were deployed under. */
  readonly stack: string;
  readonly json?: boolean;
}

/** How a command reaches a deployment: over its API with a key, or into its tables with the credentials of the AWS account. */
export interface Connection {
  readonly options: GlobalOptions;
  client(): Client;
  /** Without a key. */
  apiUrl(): string;
  archive(): Promise<Archive>;
  keys(): Promise<KeyStore>;
  /** The models of the stage, reached with the account's credentials as `run-scorers` reaches them with its own. */
  models(): Promise<{ readonly config: JudgeModelsConfig; readonly models: JudgeModels }>;
}

export function connect(options: GlobalOptions, environment: NodeJS.ProcessEnv): Connection {
  const apiUrl = () => needed(options.url ?? environment.ASSAY_URL, 'the URL of the API: give --url or set ASSAY_URL');
  return {
    options,
    apiUrl,
    client: () => {
      const key = needed(
        options.key ?? environment.ASSAY_KEY,
        'an API key: give --key or set ASSAY_KEY ("assay keys create" makes one)',
      );
      return createClient({ url: apiUrl(), key });
    },
    archive: async () => {
      const outputs = await outputsOf(options.stack, environment);
      return openArchive({
        client: awsOptions(environment),
        workgroup: output(outputs, 'Workgroup'),
        database: output(outputs, 'Database'),
      });
    },
    keys: async () => {
      const outputs = await outputsOf(options.stack, environment);
      return dynamoKeyStore(new DynamoDBClient(awsOptions(environment)), output(outputs, 'RegistryTable'));
    },
    models: async () => {
      const outputs = await outputsOf(options.stack, environment);
      const config = judgeModelsText.parse(output(outputs, 'JudgeModels'));
      const aws = awsOptions(environment);
      const keyOf = secretsManagerKeys(secretsManager(aws), { now: Date.now });
      return { config, models: judgeModels(config, { bedrock: () => bedrock(aws), keyOf, now: Date.now })() };
    },
  };
}

function needed(value: string | undefined, what: string): string {
  if (value) return value;
  throw new UsageError(`this needs ${what}`);
}

/** A local stack takes any credentials; an account takes those of the environment. */
function awsOptions(environment: NodeJS.ProcessEnv) {
  if (environment.AWS_ENDPOINT_URL === undefined) return {};
  return {
    region: environment.AWS_REGION ?? 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
}

type Outputs = Readonly<Record<string, string>>;

/** The outputs of both stacks; a local stack tells its own at its endpoint. */
async function outputsOf(name: string, environment: NodeJS.ProcessEnv): Promise<Outputs> {
  const local = environment.AWS_ENDPOINT_URL;
  if (local !== undefined) return localOutputs(local);
  const client = new CloudFormationClient({});
  const all = await Promise.all([`${name}Storage`, `${name}Monitoring`].map((stack) => stackOutputs(client, stack)));
  return Object.assign({}, ...all) as Outputs;
}

async function localOutputs(endpoint: string): Promise<Outputs> {
  try {
    return (await (await fetch(new URL('/_local/outputs', endpoint))).json()) as Outputs;
  } catch {
    throw new UsageError(
      `no local stack answers at AWS_ENDPOINT_URL=${endpoint}: start it, or unset that to use an account`,
    );
  }
}

async function stackOutputs(client: CloudFormationClient, StackName: string): Promise<Outputs> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const outputs = Stacks.flatMap((stack) => stack.Outputs ?? []);
    return Object.fromEntries(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  } catch (error) {
    throw new UsageError(
      `stack ${StackName} cannot be read (${(error as Error).message}): are the credentials, the region and --stack those it was deployed with?`,
    );
  }
}

function output(outputs: Outputs, name: string): string {
  return needed(outputs[name], `the output ${name} of the stacks: were they deployed from this version?`);
}
