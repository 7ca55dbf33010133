import type { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readConfig } from '../../infra/config.ts';
import { MonitoringStack } from '../../infra/stacks/monitoring-stack.ts';
import { StorageStack } from '../../infra/stacks/storage-stack.ts';
import { testApp } from './test-app.ts';

export interface SynthesizedApp {
  readonly app: App;
  readonly storage: Template;
  readonly monitoring: Template;
}

/** The app with cdk.json's flags, its bundles left out: they take seconds and are the same whatever the template. */
export function synthesizedApp(context: Readonly<Record<string, string>> = {}): SynthesizedApp {
  const app = testApp({ 'aws:cdk:bundling-stacks': [], ...context });
  const config = readConfig(app.node);
  const storage = new StorageStack(app, `${config.name}Storage`, { config });
  const monitoring = new MonitoringStack(app, `${config.name}Monitoring`, { config, storage });
  return { app, storage: Template.fromStack(storage), monitoring: Template.fromStack(monitoring) };
}
