import type { LocalFunction } from '../lambda/functions.ts';
import type { DeployedResource } from '../template/assembly.ts';
import type { Authorizer, Route } from './http-api.ts';

/** The template's routes with what they lead to. */
export function routesOf(
  resources: readonly DeployedResource[],
  functions: readonly LocalFunction[],
): readonly Route[] {
  const byRef = (type: string, ref: string) =>
    resources.find((resource) => resource.type === type && resource.ref === ref);
  const poolOf = (uri: string) => {
    const found = functions.find(({ resource }) => uri.includes(resource.arn));
    if (!found) throw new Error(`no function of the template is behind ${uri}`);
    return found.pool;
  };
  const authorizerOf = (ref: unknown): Authorizer | undefined => {
    const properties = byRef('AWS::ApiGatewayV2::Authorizer', String(ref))?.properties;
    if (!properties) return undefined;
    return {
      pool: poolOf(String(properties.AuthorizerUri)),
      cacheSeconds: Number(properties.AuthorizerResultTtlInSeconds ?? 300),
    };
  };
  const authorizers: Readonly<Record<string, (ref: unknown) => Route['authorizer']>> = {
    NONE: () => undefined,
    CUSTOM: authorizerOf,
    AWS_IAM: () => 'iam',
  };
  return resources
    .filter(({ type }) => type === 'AWS::ApiGatewayV2::Route')
    .map(({ properties }) => {
      const integration = byRef(
        'AWS::ApiGatewayV2::Integration',
        String(properties.Target).replace('integrations/', ''),
      );
      const type = String(properties.AuthorizationType ?? 'NONE');
      const find = authorizers[type];
      if (!find) throw new Error(`the local stack does not know authorization by ${type}`);
      const authorizer = find(properties.AuthorizerId);
      return {
        key: String(properties.RouteKey),
        pool: poolOf(String(integration?.properties.IntegrationUri)),
        ...(authorizer && { authorizer }),
      };
    });
}
