/**
 * Runs inside QuickJS, before the user's code in its context. Takes what it needs of the language aside first: the user's code may
 * change everything that it finds, for itself alone. Answers a function that starts the call when it is given arguments, and tells
 * without any whether there is a result yet: `{"returned": …}`, `{"thrown": …}`, `{"invalid": …}`, or an empty text.
 */
export const guest = `(() => {
'use strict';
const { parse, stringify } = JSON;
const { create, defineProperty } = Object;
const { apply, construct } = Reflect;
const indirectEval = eval;
const { isFinite } = Number;
const asText = String;
const Real = Date;
const then = Promise.prototype.then;
const resolve = Promise.resolve.bind(Promise);
const TypeError_ = TypeError;
const SyntaxError_ = SyntaxError;

// No clock and no chance but what follows from the trace.
const settle = (now, seed) => {
  function FixedDate(...args) {
    if (!new.target) return asText(new Real(now));
    return construct(Real, args.length === 0 ? [now] : args, new.target);
  }
  defineProperty(FixedDate, 'prototype', { value: Real.prototype });
  defineProperty(FixedDate, 'name', { value: 'Date' });
  defineProperty(FixedDate, 'length', { value: 7 });
  for (const name of ['UTC', 'parse']) defineProperty(FixedDate, name, { value: Real[name], writable: true, configurable: true });
  defineProperty(FixedDate, 'now', { value: () => now, writable: true, configurable: true });
  defineProperty(Real.prototype, 'constructor', { value: FixedDate, writable: true, configurable: true });
  defineProperty(globalThis, 'Date', { value: FixedDate, writable: true, configurable: true });
  // Mulberry32.
  let state = seed | 0;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math_imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math_imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};
const Math_imul = Math.imul;

// Most code never asks for the trace: it is parsed when it does.
const lazily = (text) => {
  let whole;
  const trace = {};
  for (const key of ['info', 'data']) {
    defineProperty(trace, key, {
      enumerable: true,
      configurable: true,
      get: () => (whole ??= parse(text))[key],
      set: (value) => defineProperty(trace, key, { value, writable: true, enumerable: true, configurable: true }),
    });
  }
  return trace;
};

const compile = (source) => {
  let scorer;
  try {
    scorer = indirectEval('(' + source + '\\n)');
  } catch (error) {
    if (!(error instanceof SyntaxError_)) throw error;
    scorer = indirectEval(source);
  }
  if (typeof scorer !== 'function') throw new TypeError_('the source is no function, and its last statement is none');
  return scorer;
};

const plain = (key, value) => {
  if (typeof value === 'number' && !isFinite(value)) throw new TypeError_(asText(value) + ' is no value of a score');
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function')
    throw new TypeError_('a ' + typeof value + ' is no value of a score');
  return value;
};

const property = (value, name) => {
  try {
    const found = value[name];
    return typeof found === 'string' ? found : '';
  } catch {
    return '';
  }
};
const described = (thrown) => {
  if (typeof thrown === 'object' && thrown !== null)
    return { name: property(thrown, 'name'), message: property(thrown, 'message'), stack: property(thrown, 'stack') };
  try {
    return { name: '', message: asText(thrown), stack: '' };
  } catch {
    return { name: '', message: '', stack: '' };
  }
};

let result = '';
const returned = (value) => {
  if (result !== '') return;
  try {
    result = '{"returned":' + (stringify(value === undefined ? null : value, plain) ?? 'null') + '}';
  } catch (error) {
    result = stringify({ __proto__: null, invalid: described(error).message });
  }
};
const failed = (thrown) => {
  if (result === '') result = stringify({ __proto__: null, thrown: { __proto__: null, ...described(thrown) } });
};

return (...given) => {
  if (given.length === 0) return result;
  const [source, inputs, outputs, expectations, trace, now, seed] = given;
  try {
    settle(now, seed);
    const scorer = compile(source);
    const value = apply(scorer, undefined, [parse(inputs), parse(outputs), parse(expectations), lazily(trace)]);
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    if (isObject && typeof value.then === 'function') apply(then, resolve(value), [returned, failed]);
    else returned(value);
  } catch (error) {
    failed(error);
  }
  return result;
};
})()`;
