import { pick } from '../chance.ts';

/** The little database of the shop that the agent works for. All of it is invented. */
export interface Customer {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  /** Test numbers that card networks publish; no account stands behind them. */
  readonly card: string;
}

export interface Order {
  readonly orderId: string;
  readonly userId: string;
  readonly item: string;
  readonly priceUsd: number;
  readonly state: 'packed' | 'in transit' | 'delivered';
  readonly carrier: string;
}

const firstNames = ['Ada', 'Bela', 'Chen', 'Dora', 'Emil', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kofi', 'Lena'];
const lastNames = ['Arendt', 'Baker', 'Costa', 'Diallo', 'Endo', 'Fischer', 'Garcia', 'Hansen'];
const testCards = ['4111 1111 1111 1111', '5555 5555 5555 4444', '3782 822463 10005'];
const items = [
  ['noise-cancelling headphones', 189],
  ['espresso machine', 249],
  ['hiking boots', 129.5],
  ['desk lamp', 39.9],
  ['e-book reader', 119],
  ['bicycle helmet', 64.9],
  ['mechanical keyboard', 99],
  ['rain jacket', 84.5],
] as const;
const states = ['packed', 'in transit', 'delivered'] as const;
const carriers = ['Northline', 'ParcelJet', 'BlueVan'];

/** The n-th customer, always the same one. */
export function customerAt(n: number): Customer {
  const first = pick(firstNames, (n % firstNames.length) / firstNames.length);
  const last = pick(lastNames, (Math.floor(n / firstNames.length) % lastNames.length) / lastNames.length);
  return {
    userId: `customer-${String(n).padStart(3, '0')}`,
    name: `${first} ${last}`,
    email: `${first}.${last}${n}@example.com`.toLowerCase(),
    card: pick(testCards, (n % testCards.length) / testCards.length),
  };
}

/** The order that a customer has with the shop. */
export function orderOf(customer: Customer): Order {
  const n = Number(customer.userId.slice(-3));
  const [item, priceUsd] = pick(items, ((n * 5) % items.length) / items.length);
  return {
    orderId: `A-${1000 + n}`,
    userId: customer.userId,
    item,
    priceUsd,
    state: pick(states, (n % states.length) / states.length),
    carrier: pick(carriers, ((n * 7) % carriers.length) / carriers.length),
  };
}

/** How many customers the shop has; orders beyond theirs do not exist. */
export const customerCount = 90;

export function findOrder(orderId: string): Order | undefined {
  const n = Number(/^A-(\d{4})$/.exec(orderId)?.[1] ?? Number.NaN) - 1000;
  return n >= 0 && n < customerCount ? orderOf(customerAt(n)) : undefined;
}

export function findCustomer(userId: string): Customer | undefined {
  const n = Number(/^customer-(\d{3})$/.exec(userId)?.[1] ?? Number.NaN);
  return n >= 0 && n < customerCount ? customerAt(n) : undefined;
}
