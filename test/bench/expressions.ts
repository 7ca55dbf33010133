import { sortValue } from './fake-table.ts';
import type { WireItem, WireValue } from './item-size.ts';
import type { SortRange } from './sorted-partitions.ts';

/** What stands for an expression's placeholders. */
interface Placeholders {
  readonly names?: Readonly<Record<string, string>> | undefined;
  readonly values?: WireItem | undefined;
}

/** Sorts behind all that begins with the same text. */
const last = '\u{ffff}';

/** What a KeyConditionExpression asks for, in the forms that the adapters use; refuses others. */
export function keyCondition(expression: string, values: WireItem): { partition: string } & SortRange {
  const [, partition = '', rest] = /^\w+ = (:\w+)(?: AND (.+))?$/.exec(expression) ?? [];
  const value = (name: string | undefined) => sortValue(values[name ?? '']);
  const [, prefix] = /^begins_with\(\w+, (:\w+)\)$/.exec(rest ?? '') ?? [];
  const [, from, to] = /^\w+ BETWEEN (:\w+) AND (:\w+)$/.exec(rest ?? '') ?? [];
  const [, comparator, side] = /^\w+ (=|<=|>=) (:\w+)$/.exec(rest ?? '') ?? [];
  const range = (): SortRange => {
    if (rest === undefined) return {};
    if (prefix) return { from: value(prefix), to: `${value(prefix)}${last}` };
    if (from) return { from: value(from), to: value(to) };
    if (!side) throw new Error(`the fake does not understand ${expression}`);
    return { ...(comparator !== '<=' && { from: value(side) }), ...(comparator !== '>=' && { to: value(side) }) };
  };
  return { partition: String(value(partition)), ...range() };
}

/** The item after an UpdateExpression of `SET a = :x, #b = :y`, `REMOVE a, #b` and `ADD set :x`. */
export function updated(item: WireItem, expression: string, { names = {}, values = {} }: Placeholders): WireItem {
  const after: Record<string, WireValue> = { ...item };
  for (const [, verb, list = ''] of expression.matchAll(/\b(SET|REMOVE|ADD) (.*?)(?= (?:SET|REMOVE|ADD) |$)/g)) {
    for (const part of list.split(',')) {
      const [left = '', right = ''] = part.trim().split(verb === 'SET' ? ' = ' : ' ');
      const name = left.startsWith('#') ? given(names, left) : left;
      if (verb === 'REMOVE') delete after[name];
      else if (verb === 'SET') after[name] = given(values, right);
      else after[name] = union(after[name], given(values, right));
    }
  }
  return after;
}

function given<T>(placeholders: Readonly<Record<string, T>>, name: string): T {
  const found = placeholders[name];
  if (found === undefined) throw new Error(`nothing stands for ${name}`);
  return found;
}

function union(before: WireValue = { SS: [] }, more: WireValue): WireValue {
  if (!('SS' in before && 'SS' in more)) throw new Error('the fake adds to sets of strings only');
  return { SS: [...new Set([...before.SS, ...more.SS])] };
}
