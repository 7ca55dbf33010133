import { Aws, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { bedrockModels } from '../../shared/contracts/judge-models-config.ts';
import type { JudgeSecrets } from './judge-secrets.ts';

/** What a function needs to ask the stage's models, and no other: those of Bedrock by name, and the keys of the others. */
export function grantJudges(judges: JudgeSecrets, lambda: NodejsFunction): void {
  for (const model of bedrockModels(judges.models)) grantModel(model, lambda);
  grantSecrets(judges, lambda);
}

const bedrock = `arn:${Aws.PARTITION}:bedrock:`;

/**
 * A profile calls its model in whichever Region it chooses, `global` ones without naming any: the right to the model holds for calls through
 * this profile alone. Source: Bedrock user guide, "Prerequisites for inference profiles".
 */
function grantModel(id: string, lambda: NodejsFunction): void {
  const region = /^(?:us-gov|us|eu|apac|jp|au|ca|global)\./.exec(id)?.[0];
  if (id.startsWith('arn:')) {
    allow(lambda, 'bedrock:InvokeModel', id);
    // Which model stands behind a profile of one's own, its ARN does not tell.
    if (id.includes('inference-profile/')) allowThrough(lambda, { profile: id, model: '*' });
  } else if (region === undefined) {
    allow(lambda, 'bedrock:InvokeModel', `${bedrock}${Aws.REGION}::foundation-model/${id}`);
  } else {
    const profile = `${bedrock}${Aws.REGION}:${Aws.ACCOUNT_ID}:inference-profile/${id}`;
    allow(lambda, 'bedrock:InvokeModel', profile);
    allowThrough(lambda, { profile, model: id.slice(region.length) });
  }
}

function allow(lambda: NodejsFunction, action: string, resource: string): void {
  lambda.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [resource] }));
}

function allowThrough(lambda: NodejsFunction, { profile, model }: { profile: string; model: string }): void {
  const resource = `*::foundation-model/${model}`;
  lambda.addToRolePolicy(
    new PolicyStatement({
      actions: ['bedrock:InvokeModel'],
      resources: [`${bedrock}${resource}`],
      conditions: { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
    }),
  );
  Validations.of(lambda).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:${resource}]`,
    reason:
      'a profile calls its model in Regions that it chooses; the condition admits no call that does not come through it',
  });
}

function grantSecrets({ models, made }: JudgeSecrets, lambda: NodejsFunction): void {
  const names = Object.values(models.providers).flatMap(({ secret }) => secret ?? []);
  for (const name of new Set(names)) {
    const own = made.get(name);
    // Secrets Manager ends each ARN with six characters that the name does not tell.
    const named = `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:${name}-??????`;
    allow(lambda, 'secretsmanager:GetSecretValue', own?.ref ?? (name.startsWith('arn:') ? name : named));
  }
}
