import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { JudgeModelsConfig } from '../../shared/contracts/judge-models-config.ts';
import type { StageConfig } from '../config.ts';

/** The keys of the providers that need one. Secrets are made empty: whoever deploys puts each key in by hand, and it is never in a template. */
export class JudgeSecrets extends Construct {
  /** The configuration with each provider's secret named. */
  readonly models: JudgeModelsConfig;
  /** Secrets that are made here, by name. */
  readonly made: ReadonlyMap<string, CfnSecret>;

  constructor(scope: Construct, id: string, { name, ephemeral, judgeModels }: StageConfig) {
    super(scope, id);
    const made = new Map<string, CfnSecret>();
    const providers = Object.entries(judgeModels.providers).map(([provider, settings]) => {
      if (settings.secret !== undefined) return [provider, settings] as const;
      const secretName = `assay/${name}/${provider}`;
      made.set(secretName, this.#secret(provider, { secretName, ephemeral }));
      return [provider, { ...settings, secret: secretName }] as const;
    });
    this.made = made;
    this.models = { ...judgeModels, providers: Object.fromEntries(providers) };
  }

  #secret(provider: string, { secretName, ephemeral }: { secretName: string; ephemeral: boolean }): CfnSecret {
    // The library's Secret would generate a password, which a provider would refuse with a puzzling error.
    const secret = new CfnSecret(this, provider, {
      name: secretName,
      description: `assay: the key of ${provider}, for judges`,
    });
    secret.applyRemovalPolicy(ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: "another company's key: only its console can rotate it, and a new one is noticed by itself",
    });
    return secret;
  }
}
