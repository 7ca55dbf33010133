import { ApiError } from './api-error.ts';
import { changeRules } from './change-rules.ts';
import { defaultSettings, type Experiment, type ExperimentSettings } from './experiment.ts';
import { parseModelUri } from './judging/model-uri.ts';
import type { ExperimentStore, RuleStore } from './ports.ts';
import type { Rules } from './rules.ts';

/** Tags of an experiment that begin so are read by Assay; the others are the user's. */
const ownPrefix = 'assay.';

/** Names the table of Databricks' exporters whose traces are the experiment's. */
export const otelTableTag = 'assay.otelTable';

/** Notes the table that users of Databricks' trace archival have named: nothing is done by it, all traces are archived. */
const archiveTableTag = 'assay.archiveTable';

type Tags = Experiment['tags'];

const yesOrNo: Setting<boolean> = {
  expected: 'true or false',
  read: (text) => ({ true: true, false: false })[text.toLowerCase()],
};

/** What the tags of an experiment set, and the values that are possible. */
const settings: { readonly [Name in keyof ExperimentSettings]: Setting<ExperimentSettings[Name]> } = {
  // SQS delays a message by 15 minutes at most.
  settleDelaySeconds: wholeNumber({ from: 0, to: 900 }),
  idleCloseMinutes: wholeNumber({ from: 1, to: 10_080 }),
  rejudgeLateSpans: yesOrNo,
  sessionIdleMinutes: wholeNumber({ from: 1, to: 10_080 }),
  combineJudges: yesOrNo,
  catchUpBudgets: yesOrNo,
  judgeModel: {
    expected: "a model such as bedrock:/<id> or openai:/<model>, or one of the stage's aliases",
    // Databricks calls its default model by its name alone.
    read: (text) => (parseModelUri(text) !== undefined || /^[a-z][a-z0-9_-]{0,49}$/.test(text) ? text : undefined),
  },
};

interface Setting<Value> {
  readonly expected: string;
  readonly read: (text: string) => Value | undefined;
}

function wholeNumber({ from, to }: { from: number; to: number }): Setting<number> {
  return {
    expected: `a whole number from ${from} to ${to}`,
    read: (text) => (/^\d{1,9}$/.test(text) && Number(text) >= from && Number(text) <= to ? Number(text) : undefined),
  };
}

/** Throws ApiError for a tag of Assay's own that it does not know or whose value means nothing. */
export function checkOwnTag(key: string, value: string): void {
  if (!key.startsWith(ownPrefix)) return;
  if (key === otelTableTag || key === archiveTableTag) {
    readTableName(value);
    return;
  }
  const setting = Object.entries(settings).find(([name]) => key === ownPrefix + name)?.[1];
  if (!setting) {
    const known = [...Object.keys(settings).map((name) => ownPrefix + name), otelTableTag, archiveTableTag].join(', ');
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `tag '${key}' is not known: of those that begin with ${ownPrefix} there are ${known}`,
    );
  }
  if (setting.read(value) === undefined)
    throw new ApiError('INVALID_PARAMETER_VALUE', `tag '${key}' is '${value}', expected ${setting.expected}`);
}

/**
 * A table's name, `catalog.schema.table`; case does not matter, as in Unity Catalog.
 * Throws ApiError.
 */
export function readTableName(text: string): string {
  if (/^[^\s./\p{Cc}]{1,255}(\.[^\s./\p{Cc}]{1,255}){2}$/u.test(text)) return text.toLowerCase();
  throw new ApiError(
    'INVALID_PARAMETER_VALUE',
    `'${text.slice(0, 800)}' is not a table's name: expected catalog.schema.table`,
  );
}

export function hasSettings(tags: Tags): boolean {
  return Object.keys(settings).some((name) => tags[ownPrefix + name] !== undefined);
}

export function isSetting(key: string): boolean {
  return key.startsWith(ownPrefix) && Object.hasOwn(settings, key.slice(ownPrefix.length));
}

/** The default where a tag is absent. */
function settingsOf(tags: Tags): ExperimentSettings {
  const read = <Name extends keyof ExperimentSettings>(name: Name): ExperimentSettings[Name] =>
    settings[name].read(tags[ownPrefix + name] ?? '') ?? defaultSettings[name];
  return {
    settleDelaySeconds: read('settleDelaySeconds'),
    idleCloseMinutes: read('idleCloseMinutes'),
    rejudgeLateSpans: read('rejudgeLateSpans'),
    sessionIdleMinutes: read('sessionIdleMinutes'),
    combineJudges: read('combineJudges'),
    catchUpBudgets: read('catchUpBudgets'),
    judgeModel: read('judgeModel'),
  };
}

const attempts = 5;

/**
 * Has the rules say what the experiment's tags do. Repeated until both agree, so that of writers that race the last to look
 * leaves them so, and doing it again after a crash goes on where it must.
 */
export async function applySettings(
  experimentId: string,
  { experiments, rules }: { experiments: Pick<ExperimentStore, 'get'>; rules: RuleStore },
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const wanted = settingsOf((await experiments.get(experimentId))?.tags ?? {});
    const applied = await changeRules(rules, experimentId, (current) => withSettings(current, wanted));
    const latest = settingsOf((await experiments.get(experimentId))?.tags ?? {});
    if (isSame(applied.settings, latest)) return;
  }
  throw new ApiError(
    'REQUEST_LIMIT_EXCEEDED',
    `the settings of experiment ${experimentId} are being changed by too many at once: try again`,
  );
}

/** The next version of the rules, or the same where nothing changes. */
function withSettings(rules: Rules, wanted: ExperimentSettings): Rules {
  return isSame(rules.settings, wanted) ? rules : { ...rules, version: rules.version + 1, settings: wanted };
}

function isSame(a: ExperimentSettings, b: ExperimentSettings): boolean {
  return (Object.keys(settings) as (keyof ExperimentSettings)[]).every((name) => a[name] === b[name]);
}
