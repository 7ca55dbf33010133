import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Real traces that no one here wrote lie beside the checkout, where they are given. */
const sharedDataFolder = join(import.meta.dirname, '../../../shared/data/otlp');
export const hasSharedData = existsSync(sharedDataFolder);

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes?: readonly OtlpAttribute[];
  }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

type OtlpValue = Readonly<Record<string, unknown>>;

export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource?: object;
    readonly scopeSpans: readonly { readonly scope?: object; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** Every file with its requests. */
export function sharedRequests(): readonly { readonly file: string; readonly requests: readonly OtlpRequest[] }[] {
  const files = readdirSync(sharedDataFolder).filter((name) => /\.otlp\.jsonl?(\.gz)?$/.test(name));
  return files.map((file) => {
    const bytes = readFileSync(join(sharedDataFolder, file));
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    const requests = file.includes('.jsonl')
      ? text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [JSON.parse(text)];
    return { file, requests };
  });
}

export function spansOf({ resourceSpans }: OtlpRequest): readonly OtlpSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

/** The request as requests of one span each, under the same resource and scope. */
export function singleSpanRequests({ resourceSpans }: OtlpRequest): readonly OtlpRequest[] {
  return resourceSpans.flatMap((resource) =>
    resource.scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({ resourceSpans: [{ ...resource, scopeSpans: [{ ...scope, spans: [span] }] }] })),
    ),
  );
}

/** An AnyValue as a plain value; whole numbers as bigints, to compare exactly. */
function plainValue(value: OtlpValue): unknown {
  const [[kind, content] = []] = Object.entries(value);
  if (kind === 'intValue') return BigInt(content as string);
  if (kind === 'arrayValue') return ((content as { values?: OtlpValue[] }).values ?? []).map(plainValue);
  if (kind === 'kvlistValue') return plainAttributes((content as { values?: OtlpAttribute[] }).values);
  return content ?? null;
}

export function plainAttributes(attributes: readonly OtlpAttribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}
