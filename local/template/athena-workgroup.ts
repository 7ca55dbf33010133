import type { DeployedResource } from './assembly.ts';

interface WorkgroupConfiguration {
  readonly ResultConfiguration?: { readonly OutputLocation?: string };
}

/** A workgroup of the template, and where it has its results: `s3://…/`. */
export function athenaWorkgroup(
  name: string,
  resources: readonly DeployedResource[],
): { readonly results: string | undefined } | undefined {
  const found = resources.find(({ type, ref }) => type === 'AWS::Athena::WorkGroup' && ref === name);
  const configuration = found?.properties.WorkGroupConfiguration as WorkgroupConfiguration | undefined;
  return found && { results: configuration?.ResultConfiguration?.OutputLocation };
}
