/** A value that protobuf's JSON mapping does not allow where it stands; the message names the place. */
export class JsonValueError extends Error {
  override readonly name = 'JsonValueError';
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** The value of a field under its JSON name or its original name; null means absent. */
export function pick(object: JsonObject, camel: string, snake: string): unknown {
  return object[camel] ?? object[snake] ?? undefined;
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new JsonValueError(`${what} is ${describe(value)}, expected an object`);
}

/** Absent is empty. */
export function asList(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new JsonValueError(`${what} is ${describe(value)}, expected an array`);
}

export function asText(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new JsonValueError(`${what} is ${describe(value)}, expected a string`);
}

/** A 64-bit integer: a number or its decimal digits. */
export function asInteger(value: unknown, what: string): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw new JsonValueError(`${what} is ${describe(value)}, expected a whole number`);
}

/** fixed64: what does not fit into it is refused, not wrapped around. */
export function asUnsigned(value: unknown, what: string): bigint {
  const integer = asInteger(value, what);
  if (BigInt.asUintN(64, integer) === integer) return integer;
  throw new JsonValueError(`${what} is ${integer}, expected 0 to 2^64 - 1`);
}

export function asSigned(value: unknown, what: string): bigint {
  const integer = asInteger(value, what);
  if (BigInt.asIntN(64, integer) === integer) return integer;
  throw new JsonValueError(`${what} is ${integer}, expected -2^63 to 2^63 - 1`);
}

export function asDouble(value: unknown, what: string): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  if (typeof value === 'string' && /^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(value) && Number.isFinite(Number(value)))
    return Number(value);
  throw new JsonValueError(`${what} is ${describe(value)}, expected a number`);
}

export function asBoolean(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new JsonValueError(`${what} is ${describe(value)}, expected true or false`);
}

/** An enum: its number, or its name of the list, whose index is the number. */
export function asEnum(value: unknown, names: readonly string[], what: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  const number = typeof value === 'string' ? names.indexOf(value) : -1;
  if (number >= 0) return number;
  throw new JsonValueError(`${what} is ${describe(value)}, expected a number or one of ${names.join(', ')}`);
}

export function asHex(value: unknown, what: string): Buffer {
  const text = asText(value, what);
  if (text.length % 2 === 0 && /^[\da-f]*$/i.test(text)) return Buffer.from(text, 'hex');
  throw new JsonValueError(`${what} is not hexadecimal`);
}

/** Base64, standard or URL-safe, padded or not. */
export function asBase64(value: unknown, what: string): Buffer {
  const text = asText(value, what);
  if (/^[\w+/-]*={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  throw new JsonValueError(`${what} is not base64`);
}

/** What was got, without quoting a text that may be long or private. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'absent';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
