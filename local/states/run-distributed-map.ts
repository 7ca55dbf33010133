import { randomUUID } from 'node:crypto';
import { childMachineArn, mapRunArn } from './arns.ts';
import type { MapState } from './definition.ts';
import { type Bindings, evaluate, evaluateInteger, unexpected } from './expressions.ts';
import { childInputs } from './item-batches.ts';
import { readItems } from './item-reader.ts';
import { leave, type Next } from './leave.ts';
import { selected } from './map-items.ts';
import { MapRun } from './map-run.ts';
import type { Settings } from './map-run-settings.ts';
import type { MapRunRecord } from './recorded.ts';
import { exportedResult, type Place, resultsOf, writeResults } from './result-writer.ts';
import { AwsCallError } from './role-calls.ts';
import type { Visit } from './run.ts';
import { itemsOf } from './run-inline-map.ts';
import { StateError } from './state-error.ts';

/** A map whose items are executions of their own: what the Map Run of this visit has done already is not done again. */
export async function runDistributedMap(state: MapState, visit: Visit): Promise<Next> {
  const { frame, bindings } = visit;
  const { run } = frame;
  const record = goneOnWith(visit) ?? (await started(state, visit));
  if (record.status === 'RUNNING') {
    const mapRun = new MapRun(record, { state, frame });
    run.mapRuns.set(record.id, mapRun);
    try {
      const failure = await mapRun.work();
      await writeOutcome(state, { visit, record });
      if (failure) throw failure;
      mapRun.end('SUCCEEDED');
    } catch (error) {
      mapRun.endAfter(error);
      throw error;
    } finally {
      run.mapRuns.delete(record.id);
    }
  }
  const result = await resultOf(state, { visit, record });
  return leave(state, { bindings, seen: { result }, output: result });
}

/** After a restart the run that was on; after a redrive the one that failed, with what is left of it. */
function goneOnWith({ frame }: Visit): MapRunRecord | undefined {
  const { log, clock, machine } = frame.run;
  const record = log.recorded.mapRuns.get(log.recorded.currentMapRuns.get(frame.path) ?? '');
  if (!record || record.status === 'RUNNING' || record.status === 'SUCCEEDED') return record;
  log.add({ kind: 'map-run-redriven', id: record.id, at: clock.now() });
  frame.run.event('MapRunRedriven', {
    mapRunRedrivenEventDetails: { mapRunArn: mapRunArn(machine.arn, record), redriveCount: record.redriveCount },
  });
  return record;
}

async function started(state: MapState, visit: Visit): Promise<MapRunRecord> {
  const { frame, bindings, name } = visit;
  const { run, path } = frame;
  const items = state.ItemReader
    ? await readItems(state.ItemReader, { bindings, calls: run.calls })
    : await itemsOf(state, visit);
  const values = [];
  for (const item of items) values.push(await selected(state.ItemSelector, { item, bindings }));
  const inputs = await childInputs(values, { batcher: state.ItemBatcher, bindings, name });
  const settings = await settingsOf(state, bindings);
  await permitted(run.calls.startChildren());
  const id = randomUUID();
  run.event('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  run.log.add({
    kind: 'map-run-started',
    path,
    run: {
      id,
      label: state.Label ?? randomUUID(),
      isExpress: state.ItemProcessor.ProcessorConfig?.ExecutionType === 'EXPRESS',
      startedAt: run.clock.now(),
      children: inputs.map((input) => ({ ...input, name: randomUUID() })),
      settings,
    },
  });
  const record = run.log.recorded.mapRuns.get(id) as MapRunRecord;
  run.event('MapRunStarted', { mapRunStartedEventDetails: { mapRunArn: mapRunArn(run.machine.arn, record) } });
  return record;
}

async function permitted(start: Promise<void>): Promise<void> {
  try {
    await start;
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    throw new StateError('States.Permissions', error.message);
  }
}

async function settingsOf(state: MapState, bindings: Bindings): Promise<Settings> {
  const optional = <T>(value: unknown, read: (value: unknown) => Promise<T>) =>
    value === undefined ? undefined : read(value);
  return {
    maxConcurrency: await evaluateInteger(state.MaxConcurrency ?? 0, bindings, 'MaxConcurrency'),
    toleratedFailureCount: await optional(state.ToleratedFailureCount, (value) =>
      evaluateInteger(value, bindings, 'ToleratedFailureCount'),
    ),
    toleratedFailurePercentage: await optional(state.ToleratedFailurePercentage, (value) =>
      percentage(value, bindings),
    ),
  };
}

async function percentage(template: unknown, bindings: Bindings): Promise<number> {
  const field = 'ToleratedFailurePercentage';
  const value = await evaluate(template, bindings, field);
  if (typeof value === 'number' && value >= 0 && value <= 100) return value;
  throw unexpected(value, { template, field, expected: 'a number between 0 and 100' });
}

interface Outcome {
  readonly visit: Visit;
  readonly record: MapRunRecord;
}

/** Of a run that failed, too. */
async function writeOutcome({ ResultWriter: writer }: MapState, { visit, record }: Outcome): Promise<void> {
  if (writer?.Resource === undefined) return;
  const { bindings, frame } = visit;
  await writeResults(writer, { bindings, calls: frame.run.calls, place: placeOf(record, visit) });
  frame.run.log.add({ kind: 'results-written', id: record.id });
}

async function resultOf({ ResultWriter: writer = {} }: MapState, { visit, record }: Outcome): Promise<unknown> {
  const place = placeOf(record, visit);
  if (writer.Resource === undefined) return resultsOf(writer, place);
  return exportedResult(writer, { bindings: visit.bindings, place });
}

function placeOf(record: MapRunRecord, { frame }: Visit): Place {
  const { arn } = frame.run.machine;
  return { run: record, mapRunArn: mapRunArn(arn, record), childMachineArn: childMachineArn(arn, record) };
}
