import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Addresses, accountId, physicalNames, region, shortHash } from './physical-names.ts';
import { type Resource, resolve, resolveOutputs, type Template } from './resolve.ts';

const root = join(import.meta.dirname, '../..');

/** A resource of any stack, its properties resolved. */
export interface DeployedResource {
  readonly id: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** `Ref` and `Fn::GetAtt … Arn` of it. */
  readonly ref: string;
  readonly arn: string;
}

export interface Deployment {
  readonly resources: readonly DeployedResource[];
  readonly outputs: ReadonlyMap<string, string>;
}

/** Synthesizes the app, or takes the assembly of the last synthesis where no source has changed since. Answers its folder, one a context. */
export async function synthesize(context: Readonly<Record<string, string>> = {}): Promise<string> {
  const settings = Object.entries(context).map(([name, value]) => `${name}=${value}`);
  const folder = join(root, settings.length === 0 ? 'cdk.out' : `cdk.out-${shortHash(settings.sort().join('\n'))}`);
  const manifest = join(folder, 'manifest.json');
  for (let attempt = 1; ; attempt++) {
    if (existsSync(manifest) && (await newestSource()) < (await stat(manifest)).mtimeMs) return folder;
    try {
      await runSynth(folder, settings);
      return folder;
    } catch (error) {
      // Two stacks that start at once: the other one's assembly will do.
      if (attempt === attempts || !String(error).includes('Another CLI')) throw error;
      await sleep(1_000);
    }
  }
}

const attempts = 30;

function runSynth(folder: string, settings: readonly string[]): Promise<unknown> {
  const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
  const args = [cdk, 'synth', '--quiet', '--output', folder, ...settings.flatMap((setting) => ['-c', setting])];
  return promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1e8 });
}

/** Sources that the assembly is made of. */
const sources = ['infra', 'functions', 'shared', 'cdk.json', 'package-lock.json'];

async function newestSource(): Promise<number> {
  const times = await Promise.all(sources.map((source) => newestUnder(join(root, source))));
  return Math.max(...times);
}

async function newestUnder(path: string): Promise<number> {
  const info = await stat(path);
  if (!info.isDirectory()) return info.mtimeMs;
  const times = await Promise.all((await readdir(path)).map((name) => newestUnder(join(path, name))));
  return Math.max(info.mtimeMs, ...times);
}

/** Names everything in the assembly's stacks and resolves what refers to it, in the order in which the stacks depend on each other. */
export function deploy(folder: string, addresses: Addresses): Deployment {
  const imports = new Map<string, string>();
  const resources: DeployedResource[] = [];
  const outputs = new Map<string, string>();
  for (const { stackName, template } of stacksOf(folder)) {
    const names = physicalNames(stackName, addresses);
    const context = { template, names, imports, pseudo: pseudoParameters(stackName) };
    for (const [id, resource] of Object.entries(template.Resources)) {
      resources.push(
        deployed(id, resource, {
          names,
          properties: resolve(resource.Properties ?? {}, context) as Record<string, unknown>,
        }),
      );
    }
    const own = resolveOutputs(context);
    for (const [name, value] of own.exports) imports.set(name, value);
    for (const [name, value] of own.outputs) outputs.set(name, value);
  }
  return { resources, outputs };
}

function deployed(
  id: string,
  resource: Resource,
  { names, properties }: { names: ReturnType<typeof physicalNames>; properties: Record<string, unknown> },
): DeployedResource {
  const ref = names.ref(id, resource);
  return {
    id,
    type: resource.Type,
    properties,
    metadata: resource.Metadata ?? {},
    ref,
    arn: names.attribute(id, resource, 'Arn'),
  };
}

interface Artifact {
  readonly type: string;
  readonly dependencies?: readonly string[];
  readonly properties?: { readonly templateFile?: string; readonly stackName?: string };
}

function stacksOf(folder: string): readonly { stackName: string; template: Template }[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, Artifact>;
  };
  const ordered: { stackName: string; template: Template }[] = [];
  const visited = new Set<string>();
  const visit = (id: string) => {
    const artifact = manifest.artifacts[id];
    if (!artifact || visited.has(id)) return;
    visited.add(id);
    for (const dependency of artifact.dependencies ?? []) visit(dependency);
    if (artifact.type !== 'aws:cloudformation:stack') return;
    const file = join(folder, artifact.properties?.templateFile ?? '');
    ordered.push({
      stackName: artifact.properties?.stackName ?? id,
      template: JSON.parse(readFileSync(file, 'utf8')) as Template,
    });
  };
  for (const id of Object.keys(manifest.artifacts)) visit(id);
  return ordered;
}

function pseudoParameters(stackName: string): Record<string, string> {
  return {
    'AWS::AccountId': accountId,
    'AWS::Region': region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/local`,
    'AWS::NoValue': '',
  };
}
