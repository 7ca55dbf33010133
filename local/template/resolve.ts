/** A CloudFormation template, as much of it as is read here. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, Output>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

interface Output {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
}

/** What a resource is called once it exists: `Ref` and `Fn::GetAtt`. */
export interface PhysicalNames {
  ref(logicalId: string, resource: Resource): string;
  attribute(logicalId: string, resource: Resource, name: string): string;
}

export interface ResolveContext {
  readonly template: Template;
  readonly names: PhysicalNames;
  readonly pseudo: Readonly<Record<string, string>>;
  /** Exports of the stacks before. */
  readonly imports: ReadonlyMap<string, string>;
}

type Intrinsic = (argument: unknown, context: ResolveContext) => unknown;

/** A value of a template with its intrinsic functions carried out; one that is not known here is an error, not a guess. */
export function resolve(value: unknown, context: ResolveContext): unknown {
  if (Array.isArray(value)) return value.map((member) => resolve(member, context));
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = [], ...others] = Object.entries(value);
  if (name !== undefined && others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))) {
    const intrinsic = intrinsics[name];
    if (!intrinsic) throw new Error(`the local stack does not know ${name}`);
    return intrinsic(argument, context);
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolve(member, context)]));
}

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  Ref: (id, context) => reference(id as string, context),
  'Fn::GetAtt': (argument, context) => {
    const [id, ...path] = Array.isArray(argument) ? (argument as string[]) : (argument as string).split('.');
    return context.names.attribute(id as string, resourceOf(id as string, context), path.join('.'));
  },
  'Fn::Join': (argument, context) => {
    const [separator, parts] = argument as [string, unknown];
    return (resolve(parts, context) as unknown[]).map(String).join(separator);
  },
  'Fn::Sub': (argument, context) => {
    const [text, values] = Array.isArray(argument)
      ? (argument as [string, Record<string, unknown>])
      : [argument as string, {}];
    return text.replace(/\$\{([^!}][^}]*)\}/g, (_, name: string) =>
      String(name in values ? resolve(values[name], context) : substituted(name, context)),
    );
  },
  'Fn::Select': (argument, context) => {
    const [index, list] = argument as [number | string, unknown];
    return (resolve(list, context) as unknown[])[Number(index)];
  },
  'Fn::Split': (argument, context) => {
    const [separator, text] = argument as [string, unknown];
    return String(resolve(text, context)).split(separator);
  },
  'Fn::ImportValue': (argument, context) => {
    const name = String(resolve(argument, context));
    const value = context.imports.get(name);
    if (value === undefined) throw new Error(`no stack exports ${name}`);
    return value;
  },
};

function substituted(name: string, context: ResolveContext): unknown {
  const [id, ...path] = name.split('.');
  return path.length > 0 ? resolve({ 'Fn::GetAtt': [id, path.join('.')] }, context) : reference(name, context);
}

function reference(id: string, context: ResolveContext): string {
  const pseudo = context.pseudo[id];
  return pseudo ?? context.names.ref(id, resourceOf(id, context));
}

function resourceOf(id: string, { template }: ResolveContext): Resource {
  const resource = template.Resources[id];
  if (!resource) throw new Error(`the template has no resource ${id}`);
  return resource;
}

/** What a stack hands on: its outputs by logical id, and its exports by name. */
export function resolveOutputs(context: ResolveContext): {
  outputs: Map<string, string>;
  exports: Map<string, string>;
} {
  const outputs = new Map<string, string>();
  const exports = new Map<string, string>();
  for (const [id, { Value, Export }] of Object.entries(context.template.Outputs ?? {})) {
    const value = String(resolve(Value, context));
    outputs.set(id, value);
    if (Export) exports.set(String(resolve(Export.Name, context)), value);
  }
  return { outputs, exports };
}
