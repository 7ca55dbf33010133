import { marshall } from '@aws-sdk/util-dynamodb';
import { otlpTraceCodec } from '../../shared/adapters/otlp-trace-codec.ts';
import { toAssessmentItem } from '../../shared/contracts/assessment-item.ts';
import { otlpJsonToProtobuf } from '../../shared/contracts/otlp/from-json.ts';
import { dayOf, toDayItem, toInfoItem } from '../../shared/contracts/trace-item.ts';
import type { BlockRef, TraceInfo } from '../../shared/domain/trace.ts';
import { aTraceInfo, typicalFacts } from '../support/builders/a-trace-info.ts';
import { anAssessment } from '../support/builders/an-assessment.ts';
import type { FakeAws } from './fake-aws.ts';
import { itemSize, type WireItem } from './item-size.ts';
import { ownRequest, seeded, sentence } from './own-generator.ts';

/** The experiment of the stored traces. */
export const experimentId = '7';
/** Traces of an ordinary session, and the one that has more. */
const sessionTraces = 10;
export const longSession = { id: 'session-long', first: 400, traces: 100 };

/** The time of the newest. */
export const newest = Date.UTC(2026, 10, 21, 12);
const betweenTracesMs = 86_400_000 / 5_000;
const blockBytes = 20_000;
const options = { retentionDays: 30 };

interface Places {
  readonly table: string;
  readonly bucket: string;
}

/** Fills the trace store with traces as of 5,000 a day that were settled; trace 0 is the newest, a store that grows gets older ones. */
export class StoredTraces {
  readonly #aws: FakeAws;
  readonly #places: Places;
  readonly #blocks: readonly BlockRef[];
  #count = 0;

  constructor(aws: FakeAws, places: Places) {
    this.#aws = aws;
    this.#places = places;
    this.#blocks = this.#putSegment();
  }

  growTo(count: number): void {
    const days = new Set<string>();
    for (; this.#count < count; this.#count++) {
      const info = storedInfo(this.#count, this.#blocks);
      days.add(dayOf(info.facts.requestTime));
      this.#put({ ...toInfoItem(info, options), ...this.#putAssessments(info) });
    }
    for (const day of days) this.#put(toDayItem(experimentId, day, { ...options, now: newest }));
  }

  /** Of an info, on average. */
  itemBytes(): number {
    const sizes = Array.from({ length: 100 }, (_, i) =>
      itemSize(wire({ ...toInfoItem(storedInfo(i, this.#blocks), options) })),
    );
    return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  }

  /** Every tenth trace has three, as three scorers at a tenth leave them. */
  #putAssessments({ traceId, lastArrivalAt }: TraceInfo): { assessmentIds?: ReadonlySet<string> } {
    if (this.#count % 10 !== 0) return {};
    const assessments = ['error-free', 'pii', 'relevance'].map((name) =>
      anAssessment({
        assessmentId: `a-${hex(`${traceId}/${name}`)}`,
        traceId,
        experimentId,
        name,
        createdAt: lastArrivalAt,
        updatedAt: lastArrivalAt,
        rationale: sentence(`${traceId}/${name}`, 150),
        metadata: { 'assay.scorerVersion': '1', 'assay.sampleRate': '0.1' },
      }),
    );
    for (const each of assessments) this.#put(toAssessmentItem(each, options));
    return { assessmentIds: new Set(assessments.map(({ assessmentId }) => assessmentId)) };
  }

  /** The traces share some blocks: what is in them does not matter to the cost of reading them. */
  #putSegment(): readonly BlockRef[] {
    const blocks = Array.from({ length: 20 }, (_, i) => {
      const { body } = otlpJsonToProtobuf(JSON.stringify(ownRequest({ first: i, traces: 1, bytes: blockBytes })));
      return otlpTraceCodec.compress(body);
    });
    const key = 'segments/7/2026-11-21/bench';
    this.#aws.objects.set(`/${this.#places.bucket}/${key}`, Buffer.concat(blocks));
    let offset = 0;
    return blocks.map((block, i) => {
      const ref = { hash: hex(`block${i}`), key, offset, length: block.length };
      offset += block.length;
      return ref;
    });
  }

  #put(item: Record<string, unknown>): void {
    this.#aws.dynamodb.put(this.#places.table, wire(item));
  }
}

export function storedTraceId(i: number): string {
  return `tr-${hex(`stored${i}`)}`;
}

export function storedSession(i: number): string {
  const { id, first, traces } = longSession;
  return i >= first && i < first + traces ? id : `session-${Math.floor(i / sessionTraces)}`;
}

export function storedClientRequest(i: number): string {
  return `request-${i}`;
}

function storedInfo(i: number, blocks: readonly BlockRef[]): TraceInfo {
  const requestTime = Math.round(newest - i * betweenTracesMs);
  return aTraceInfo({
    traceId: storedTraceId(i),
    experimentId,
    blocks: [blocks[i % blocks.length] as BlockRef],
    lastArrivalAt: requestTime + 5_000,
    decision: { rulesVersion: 1, decidedAt: requestTime + 10_000, selected: i % 10 === 0 ? ['error-free', 'pii'] : [] },
    facts: {
      ...typicalFacts,
      requestTime,
      state: i % 20 === 0 ? 'ERROR' : 'OK',
      requestPreview: sentence(`request${i}`, 300),
      responsePreview: sentence(`response${i}`, 300),
      clientRequestId: storedClientRequest(i),
      sessionId: storedSession(i),
      userId: `user-${i % 500}`,
      tags: { environment: 'production', tenant: `tenant-${i % 40}`, channel: 'web' },
      metadata: {
        ...typicalFacts.metadata,
        'mlflow.source.name': '/srv/agent/main.py',
        'mlflow.source.type': 'LOCAL',
        'mlflow.source.git.commit': '6f1ac1b0c5d64b5f8f1b0f5f6ab3f8a2b9d2e1c4',
        'mlflow.source.git.branch': 'main',
        'mlflow.user': 'agent',
      },
    },
  });
}

function wire(item: Record<string, unknown>): WireItem {
  return marshall(item, { removeUndefinedValues: true }) as unknown as WireItem;
}

function hex(label: string): string {
  return seeded(label).toString('hex').slice(0, 32);
}
