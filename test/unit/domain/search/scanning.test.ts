import { describe, expect, it } from 'vitest';
import { type SearchDeps, type SearchPage, searchTraces } from '../../../../shared/domain/search/search-traces.ts';
import type { TraceInfo } from '../../../../shared/domain/trace.ts';
import { aTraceInfo, noon } from '../../../support/builders/a-trace-info.ts';

/** Newest first; every hundredth is tagged, the oldest one is old. */
const stored = Array.from({ length: 4_500 }, (_, i) =>
  aTraceInfo({
    facts: {
      requestTime: noon - i,
      tags: { ...(i % 100 === 0 && { hundredth: 'yes' }), ...(i === 4_499 && { oldest: 'yes' }), all: 'yes' },
    },
  }),
);

/** Counts what is asked for. */
function depsOf(asked: number[]): SearchDeps {
  const nothing = () => Promise.reject(new Error('no filter needs it'));
  const positionOf = ({ facts, traceId }: TraceInfo) => `${facts.requestTime}#${traceId}`;
  return {
    search: {
      find: async ({ before = '~', limit }) =>
        stored
          .map((info) => ({ traceId: info.traceId, position: positionOf(info) }))
          .filter(({ position }) => position < before)
          .slice(0, limit),
    },
    index: {
      getInfos: async (ids) => {
        asked.push(ids.length);
        const wanted = new Set(ids);
        return new Map(stored.filter(({ traceId }) => wanted.has(traceId)).map((info) => [info.traceId, info]));
      },
      readTrace: nothing,
    },
    segments: { readBlock: nothing },
    codec: { decode: () => [], merge: () => new Uint8Array(), decompress: () => new Uint8Array() },
    assessments: { listAll: nothing },
  };
}

async function pagesOf(filter: string, limit: number, asked: number[] = []): Promise<readonly SearchPage[]> {
  const pages: SearchPage[] = [];
  for (let cursor: string | undefined, isLast = false; !isLast; ) {
    const page = await searchTraces({ experimentIds: ['7'], filter, limit, cursor }, depsOf(asked));
    pages.push(page);
    cursor = page.cursor;
    isLast = cursor === undefined;
  }
  return pages;
}

describe('a search that no index serves', () => {
  it('ends a page after 2,000 traces, says how far it got, and goes on from there', async () => {
    const pages = await pagesOf("tags.oldest = 'yes'", 100);
    expect(pages.map(({ reached }) => reached)).toEqual([noon - 1_999, noon - 3_999, undefined]);
    expect(pages.map(({ infos }) => infos.length)).toEqual([0, 0, 1]);
  });

  it('reads more at once the less it finds', async () => {
    const asked: number[] = [];
    await searchTraces({ experimentIds: ['7'], filter: "tags.oldest = 'yes'", limit: 100 }, depsOf(asked));
    expect(asked).toEqual([200, 400, 800, 600]);
  });

  it('reads little where much matches', async () => {
    const asked: number[] = [];
    const page = await searchTraces({ experimentIds: ['7'], filter: "tags.all = 'yes'", limit: 100 }, depsOf(asked));
    expect([page.infos.length, asked]).toEqual([100, [200]]);
  });

  it('shows each match on one page', async () => {
    const pages = await pagesOf("tags.hundredth = 'yes'", 7);
    expect(pages.flatMap(({ infos }) => infos)).toEqual(stored.filter((_, i) => i % 100 === 0));
  });
});
