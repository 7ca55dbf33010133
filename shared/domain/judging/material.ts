import { estimateTokens } from './estimate-tokens.ts';

/** What a judge gets to see of one thing: a text, or a list in its order. */
export interface Section {
  /** Word characters and blanks: it stands in a delimiter. */
  readonly title: string;
  readonly items: readonly string[];
}

/** What was left out of one section so that it fits. */
export interface Omission {
  readonly section: string;
  /** Of this many entries … */
  readonly entries: number;
  /** … these were left out as a whole, */
  readonly entriesLeftOut: number;
  /** and these were shortened. */
  readonly entriesShortened: number;
  readonly tokensLeftOut: number;
}

export interface FittedSection {
  readonly title: string;
  readonly text: string;
  readonly omission?: Omission;
}

export function textSection(title: string, text: string): Section {
  return { title, items: [text] };
}

/**
 * Fits sections into a budget of tokens, the first ones first: each gets what it needs, as long as every one behind it keeps a tenth of
 * the budget, or all that it needs where that is less.
 */
export function fitSections(sections: readonly Section[], budget: number): readonly FittedSection[] {
  const measured = sections.map(measure);
  const floors = measured.map(({ tokens }) => Math.min(tokens, Math.floor(budget / Math.max(10, sections.length))));
  let reserved = floors.reduce((sum, floor) => sum + floor, 0);
  let left = budget;
  return measured.map((section, i) => {
    reserved -= floors[i] ?? 0;
    const fitted = fitOne(section, Math.max(0, left - reserved));
    left -= fitted.tokens;
    return fitted.section;
  });
}

interface MeasuredSection extends Section {
  readonly sizes: readonly number[];
  readonly tokens: number;
}

function measure(section: Section): MeasuredSection {
  const sizes = section.items.map((item) => estimateTokens(item) + separatorTokens);
  return { ...section, sizes, tokens: sizes.reduce((sum, size) => sum + size, 0) };
}

/** An entry shortened to less than this says nothing; whole entries are left out rather. */
const leastEntryTokens = 100;
/** An empty line between entries. */
const separatorTokens = 2;
/** A line that says what is missing. */
const noteTokens = 40;

function fitOne(section: MeasuredSection, budget: number): { section: FittedSection; tokens: number } {
  const { title, items, sizes, tokens } = section;
  if (tokens <= budget) return { section: { title, text: items.join('\n\n') }, tokens };
  const room = budget - noteTokens;
  const kept = keptEntries(sizes, room);
  const cap = waterLevel(
    kept.map((i) => sizes[i] ?? 0),
    room,
  );
  const texts = kept.map((i) => shorten(items[i] ?? '', { tokens: sizes[i] ?? 0, cap }));
  const used = kept.reduce((sum, i) => sum + Math.min(sizes[i] ?? 0, cap), 0) + noteTokens;
  const omission = {
    section: title,
    entries: items.length,
    entriesLeftOut: items.length - kept.length,
    entriesShortened: kept.filter((i) => (sizes[i] ?? 0) > cap).length,
    tokensLeftOut: Math.max(0, tokens - used + noteTokens),
  };
  return { section: { title, text: joined(texts, { kept, total: items.length }), omission }, tokens: used };
}

/**
 * The entries that stay, by position: all of them where each can have the least that is readable, else some of the beginning and twice as
 * many of the end, where the outcome is.
 */
function keptEntries(sizes: readonly number[], room: number): readonly number[] {
  const all = sizes.map((_, i) => i);
  const least = sizes.map((size) => Math.min(size, leastEntryTokens));
  if (least.reduce((sum, size) => sum + size, 0) <= room) return all;
  const fromHead = takeWhileFits(all, least, room / 3);
  const fromTail = takeWhileFits(all.slice(fromHead.length).toReversed(), least, room - sumOf(fromHead, least));
  const kept = [...fromHead, ...fromTail.toReversed()];
  return kept.length > 0 ? kept : all.slice(-1);
}

function takeWhileFits(order: readonly number[], sizes: readonly number[], room: number): readonly number[] {
  const taken: number[] = [];
  let used = 0;
  for (const i of order) {
    used += sizes[i] ?? 0;
    if (used > room) break;
    taken.push(i);
  }
  return taken;
}

function sumOf(positions: readonly number[], sizes: readonly number[]): number {
  return positions.reduce((sum, i) => sum + (sizes[i] ?? 0), 0);
}

/** The size to which entries must be cut for all to fit: only those above it lose something. */
function waterLevel(sizes: readonly number[], room: number): number {
  let left = Math.max(0, room);
  const sorted = sizes.toSorted((a, b) => a - b);
  for (const [i, size] of sorted.entries()) {
    const share = left / (sorted.length - i);
    if (size > share) return Math.floor(share);
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}

/** The head and the tail of a text, in about as many tokens as the cap; the head is the longer part. */
function shorten(text: string, { tokens, cap }: { tokens: number; cap: number }): string {
  if (tokens <= cap) return text;
  let keep = Math.floor(text.length * Math.max(0, (cap - 15) / tokens));
  let short = cutTo(text, keep);
  // Where the dense part of the text is what stays, it is still too much.
  for (let tries = 0; tries < 5 && keep > 0 && estimateTokens(short) > cap; tries++) {
    keep = Math.floor(keep * 0.7);
    short = cutTo(text, keep);
  }
  return short;
}

function cutTo(text: string, keep: number): string {
  const head = text.slice(0, Math.ceil(keep * 0.6)).replace(/[\ud800-\udbff]$/, '');
  const tail = text.slice(text.length - Math.floor(keep * 0.4)).replace(/^[\udc00-\udfff]/, '');
  return `${head} […${(text.length - head.length - tail.length).toLocaleString('en-US')} characters left out…] ${tail}`;
}

function joined(texts: readonly string[], { kept, total }: { kept: readonly number[]; total: number }): string {
  if (kept.length === total) return texts.join('\n\n');
  const gap = kept.findIndex((position, i) => position !== i);
  const note = `[…${(total - kept.length).toLocaleString('en-US')} of ${total.toLocaleString('en-US')} entries left out here…]`;
  return gap === -1 ? [...texts, note].join('\n\n') : [...texts.slice(0, gap), note, ...texts.slice(gap)].join('\n\n');
}
