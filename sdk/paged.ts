/** One page of what is found. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string | undefined;
}

/** What is found, one by one: `for await (const one of found)`; pages are asked for as they are needed. Each loop begins anew. */
export interface Paged<T> extends AsyncIterable<T> {
  pages(): AsyncIterable<readonly T[]>;
  toArray(): Promise<readonly T[]>;
}

/** @param first a page that is here already */
export function paged<T>(fetchPage: (token: string | undefined) => Promise<Page<T>>, first?: Page<T>): Paged<T> {
  async function* pages() {
    let page = first ?? (await fetchPage(undefined));
    for (;;) {
      yield page.items;
      if (!page.nextToken) return;
      page = await fetchPage(page.nextToken);
    }
  }
  async function* items() {
    for await (const page of pages()) yield* page;
  }
  return Object.freeze({
    pages,
    async toArray() {
      const all: T[] = [];
      for await (const page of pages()) all.push(...page);
      return all;
    },
    [Symbol.asyncIterator]: items,
  });
}
