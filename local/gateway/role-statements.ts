import type { DeployedResource } from '../template/assembly.ts';
import type { Statement } from './policy.ts';

interface PolicyDocument {
  readonly Statement: readonly Statement[];
}

/** What the template's policies grant a role. Managed policies of AWS grant what the emulators do not have: logs and tracing. */
export function statementsOf(roleArn: string, resources: readonly DeployedResource[]): readonly Statement[] {
  const role = resources.find(({ type, arn }) => type === 'AWS::IAM::Role' && arn === roleArn);
  const inline = (role?.properties.Policies ?? []) as { PolicyDocument: PolicyDocument }[];
  const attached = resources
    .filter(
      ({ type, properties }) => type === 'AWS::IAM::Policy' && (properties.Roles as string[]).includes(role?.ref ?? ''),
    )
    .map(({ properties }) => properties as unknown as { PolicyDocument: PolicyDocument });
  return [...inline, ...attached].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}
