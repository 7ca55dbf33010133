import type { Clock } from '../ports.ts';
import {
  type BookEntry,
  type BookLine,
  type Budget,
  type BudgetBook,
  type BudgetStore,
  booked,
  dayOf,
  isQuiet,
  monthOf,
  refusalOf,
  UnpricedModelError,
} from './budget.ts';
import { JudgeUnavailableError } from './judge-model.ts';
import { type Amount, difference, nothing, sum } from './judge-price.ts';

/** A call that wants to be made. */
export interface Claim {
  /** Whose results it gives; of several, each pays its share. */
  readonly scorers: readonly string[];
  readonly uri: string;
  readonly isPriced: boolean;
  readonly amount: Amount;
}

/** What a call has reserved, by budget. */
export interface Reservation {
  readonly day: string;
  readonly parts: readonly { readonly id: string; readonly share: number; readonly amount: Amount }[];
}

/** What is to be booked of a call that has ended. */
interface Correction {
  readonly id: string;
  /** On which it had reserved. */
  readonly day: string;
  readonly change: Amount;
  readonly open: Amount;
}

interface Waiting {
  readonly claim: Claim;
  readonly resolve: (reservation: Reservation | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** For so long an instance does not notice that a first budget was set; with one, it notices every change at once. */
const cacheMs = 30_000;
/** A book read so lately decides without asking the store: an exhausted budget costs no write per call. */
const freshMs = 2_000;
const attempts = 8;
/** Of calls in one write. */
const largestBatch = 100;

/**
 * One instance's dealings with the budgets of one experiment. One write at a time: calls that come meanwhile share the next one, and
 * take along what ended calls give back; so a call costs one write or less. What an instance that dies had reserved stays booked
 * until its day and month are over: it may have been spent.
 */
export function budgetAccount(experimentId: string, { store, now }: { store: BudgetStore; now: Clock }) {
  let book: BudgetBook | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let corrections: Correction[] = [];
  const waiting: Waiting[] = [];
  let isPosting = false;
  /** Calls that reserve, or have reserved and not settled. */
  let calls = 0;

  async function read(): Promise<BudgetBook> {
    const found = await store.read(experimentId);
    readAt = now();
    book = found;
    return found;
  }

  let reading: Promise<BudgetBook> | undefined;
  /** Of many calls that begin together one reads. */
  async function known(): Promise<BudgetBook> {
    if (book && now() - readAt <= cacheMs) return book;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  /** Books an entry with the corrections; false: the book is not as it was thought to be. */
  async function post(base: BudgetBook, reserved: readonly Reservation[]): Promise<boolean> {
    const taken = corrections;
    corrections = [];
    const isReserving = reserved.length > 0;
    const isAnew = isReserving && isQuiet(base, now());
    const entry: BookEntry = {
      experimentId,
      version: base.version,
      day: base.day,
      ...(isReserving && { reservedAt: now() }),
      ...(isAnew && { quietSince: base.reservedAt }),
      // Where what is reserved is counted anew, what they had reserved counts no more.
      lines: linesOf(base, { taken: isAnew ? taken.map((each) => ({ ...each, open: nothing })) : taken, reserved }),
    };
    if (entry.lines.length === 0) return true;
    const limits = new Map(base.budgets.map((budget) => [budget.id, budget.limits]));
    const isBooked = await store.book(entry, limits).catch((error: unknown) => {
      // Perhaps it was booked: what it gave back is not given back twice, what it charged may be charged twice.
      corrections.push(...taken.map(onlyCharges));
      readAt = Number.NEGATIVE_INFINITY;
      throw error;
    });
    if (!isBooked) corrections.push(...taken);
    else if (book) book = booked(book, entry) ?? book;
    return isBooked;
  }

  const isFresh = () => now() - readAt <= freshMs;

  /** The book on today's page. */
  async function today(found: BudgetBook): Promise<BudgetBook> {
    const day = dayOf(now());
    if (day <= found.day) return found;
    await store.turn(found, day);
    return today(await read());
  }

  /** Reserves for as many of them as fit; answers those that the store did not take. */
  async function reserveAll(wanting: readonly Waiting[], base: BudgetBook): Promise<readonly Waiting[]> {
    let filled = withLines(base, linesOf(base, { taken: corrections, reserved: [] }));
    const admitted: { waiting: Waiting; reservation: Reservation }[] = [];
    for (const each of wanting) {
      const reservation = reservationFor(each.claim, filled);
      const refusal = reservation && whyNot(each.claim, { reservation, book: filled, checks: isFresh(), now: now() });
      if (refusal) each.reject(refusal);
      else if (!reservation) each.resolve(undefined);
      else {
        admitted.push({ waiting: each, reservation });
        filled = withLines(filled, linesOf(base, { taken: [], reserved: [reservation] }));
      }
    }
    if (admitted.length === 0) return [];
    const reservations = admitted.map(({ reservation }) => reservation);
    if (!(await post(base, reservations))) return admitted.map((each) => each.waiting);
    for (const each of admitted) each.waiting.resolve(each.reservation);
    return [];
  }

  async function serve(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    try {
      for (let attempt = 0; attempt < attempts && left.length > 0; attempt++)
        left = await reserveAll(left, await today(attempt === 0 ? await known() : await read()));
      if (left.length > 0) throw new Error('by too many at once');
    } catch (error) {
      for (const each of left) each.reject(unbooked(error));
    }
  }

  /** It passes: the evaluation waits, and nothing is said of the model. */
  function unbooked(cause: unknown): JudgeUnavailableError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new JudgeUnavailableError(`the budgets of experiment ${experimentId} cannot be booked now: ${why}`, {
      reason: 'unavailable',
      call: 'not-made',
      cause,
    });
  }

  async function reserveFor(claim: Claim): Promise<Reservation | undefined> {
    const found = await known().catch((error: unknown) => Promise.reject(unbooked(error)));
    if (budgetsOf(claim, found).length === 0) return undefined;
    return new Promise((resolve, reject) => {
      waiting.push({ claim, resolve, reject });
      serveWaiting().catch(reject);
    });
  }

  async function serveWaiting(): Promise<void> {
    if (isPosting) return;
    isPosting = true;
    while (waiting.length > 0) await serve(waiting.splice(0, largestBatch));
    isPosting = false;
  }

  return {
    /**
     * Undefined where no budget concerns the call, which then costs no write. What is reserved has to be settled.
     * @throws BudgetExhaustedError, UnpricedModelError, JudgeUnavailableError
     */
    async reserve(claim: Claim): Promise<Reservation | undefined> {
      calls++;
      try {
        const reservation = await reserveFor(claim);
        if (!reservation) calls--;
        return reservation;
      } catch (error) {
        calls--;
        throw error;
      }
    },

    /** Notes what a call took; the next write books it. Undefined: all that it had reserved. */
    settle(reservation: Reservation, spent?: Amount): void {
      for (const { id, share, amount } of reservation.parts) {
        const change = spent ? difference(shareOf(spent, share), amount) : nothing;
        corrections.push({ id, day: reservation.day, change, open: difference(nothing, amount) });
      }
      calls--;
    },

    /** Books what is noted and no call has taken along. */
    async flush(): Promise<void> {
      for (let attempt = 0; attempt < attempts && corrections.length > 0; attempt++)
        await post(attempt === 0 ? await known() : await read(), []);
    },

    /** Whether it can be forgotten: nothing is noted, and no call will note anything. */
    get isIdle(): boolean {
      return calls === 0 && !isPosting && corrections.length === 0;
    },
  };
}

function budgetsOf({ scorers }: Claim, book: BudgetBook): readonly Budget[] {
  return book.budgets.filter(({ scorer }) => scorer === undefined || scorers.includes(scorer));
}

function reservationFor(claim: Claim, book: BudgetBook): Reservation | undefined {
  const parts = budgetsOf(claim, book).map(({ id, scorer }) => {
    const share = scorer === undefined ? 1 : claim.scorers.length;
    return { id, share, amount: shareOf(claim.amount, share) };
  });
  return parts.length === 0 ? undefined : { day: book.day, parts };
}

function shareOf({ nanoUsd, tokens }: Amount, share: number): Amount {
  return { nanoUsd: Math.ceil(nanoUsd / share), tokens: Math.ceil(tokens / share) };
}

function whyNot(
  claim: Claim,
  { reservation, book, checks, now }: { reservation: Reservation; book: BudgetBook; checks: boolean; now: number },
): Error | undefined {
  const concerned = budgetsOf(claim, book);
  const hasMoney = concerned.some(({ limits }) => (limits.nanoUsdPerDay ?? limits.nanoUsdPerMonth) !== undefined);
  if (hasMoney && !claim.isPriced) return new UnpricedModelError(claim.uri);
  // What a book says that was read a while ago, the store knows better.
  if (!checks) return undefined;
  const refusals = concerned.flatMap((budget) => {
    const amount = reservation.parts.find(({ id }) => id === budget.id)?.amount ?? nothing;
    return refusalOf(book, { budget, amount, now }) ?? [];
  });
  return refusals.toSorted((a, b) => b.until - a.until)[0];
}

function withLines(book: BudgetBook, lines: readonly BookLine[]): BudgetBook {
  return booked(book, { experimentId: book.experimentId, version: book.version, day: book.day, lines }) ?? book;
}

/** Of a day or a month that is over nothing is given back, and no more is charged: it does not count any more. */
function linesOf(
  book: BudgetBook,
  { taken, reserved }: { taken: readonly Correction[]; reserved: readonly Reservation[] },
): readonly BookLine[] {
  const reservations = reserved.flatMap(({ parts }) => parts.map(({ id, amount }) => ({ id, amount })));
  return book.budgets.flatMap(({ id }) => {
    const line: BookLine[] = [
      ...reservations
        .filter((each) => each.id === id)
        .map(({ amount }) => ({ id, day: amount, month: amount, open: amount })),
      ...taken
        .filter((each) => each.id === id)
        .map(({ day, change, open }) => ({
          id,
          day: day === book.day ? change : nothing,
          month: monthOf(day) === monthOf(book.day) ? change : nothing,
          open,
        })),
    ];
    if (line.length === 0) return [];
    const added = (of: 'day' | 'month' | 'open') => line.reduce((total, each) => sum(total, each[of]), nothing);
    return [{ id, day: added('day'), month: added('month'), open: added('open') }];
  });
}

function onlyCharges({ change, open, ...rest }: Correction): Correction {
  const charge = { nanoUsd: Math.max(0, change.nanoUsd), tokens: Math.max(0, change.tokens) };
  return { ...rest, change: charge, open: nothing };
}
