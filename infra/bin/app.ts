#!/usr/bin/env node
import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readConfig } from '../config.ts';
import { MonitoringStack } from '../stacks/monitoring-stack.ts';
import { StorageStack } from '../stacks/storage-stack.ts';

const app = new App();
const config = readConfig(app.node);
const storage = new StorageStack(app, `${config.name}Storage`, { config });
new MonitoringStack(app, `${config.name}Monitoring`, { config, storage });
Tags.of(app).add('application', 'assay');
Validations.of(app).addPlugins(new AwsSolutionsChecks());
