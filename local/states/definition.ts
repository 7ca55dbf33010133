/** A state machine in the Amazon States Language with JSONata, as much of it as is run here. */
export interface Definition extends Flow {
  readonly TimeoutSeconds?: number;
}

export interface Flow {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

interface Common {
  readonly Next?: string;
  readonly End?: boolean;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
}

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher extends Common {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
}

interface Recovering {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
}

export interface PassState extends Common {
  readonly Type: 'Pass';
}

interface SucceedState extends Common {
  readonly Type: 'Succeed';
}

interface FailState {
  readonly Type: 'Fail';
  readonly Error?: string;
  readonly Cause?: string;
}

export interface WaitState extends Common {
  readonly Type: 'Wait';
  readonly Seconds?: unknown;
  readonly Timestamp?: unknown;
}

interface ChoiceRule extends Common {
  readonly Condition: unknown;
  readonly Next: string;
}

export interface ChoiceState extends Common {
  readonly Type: 'Choice';
  readonly Choices: readonly ChoiceRule[];
  readonly Default?: string;
}

export interface TaskState extends Common, Recovering {
  readonly Type: 'Task';
  readonly Resource: string;
  readonly Arguments?: unknown;
  readonly TimeoutSeconds?: unknown;
}

export interface ParallelState extends Common, Recovering {
  readonly Type: 'Parallel';
  readonly Branches: readonly Flow[];
  readonly Arguments?: unknown;
}

export interface ReaderConfig {
  readonly InputType?: 'CSV' | 'JSON' | 'JSONL';
  readonly ManifestType?: 'ATHENA_DATA';
  readonly Transformation?: 'NONE' | 'LOAD_AND_FLATTEN';
  readonly CSVHeaderLocation?: 'FIRST_ROW' | 'GIVEN';
  readonly CSVHeaders?: readonly string[];
  readonly CSVDelimiter?: 'COMMA' | 'PIPE' | 'SEMICOLON' | 'SPACE' | 'TAB';
  readonly ItemsPointer?: string;
  readonly MaxItems?: unknown;
}

export interface ItemReader {
  readonly Resource: string;
  readonly ReaderConfig?: ReaderConfig;
  readonly Arguments: unknown;
}

export interface ItemBatcher {
  readonly MaxItemsPerBatch?: unknown;
  readonly MaxInputBytesPerBatch?: unknown;
  readonly BatchInput?: unknown;
}

export interface ResultWriter {
  readonly Resource?: string;
  readonly Arguments?: unknown;
  readonly WriterConfig?: {
    readonly OutputType?: 'JSON' | 'JSONL';
    readonly Transformation?: 'NONE' | 'COMPACT' | 'FLATTEN';
  };
}

export interface MapState extends Common, Recovering {
  readonly Type: 'Map';
  readonly ItemProcessor: Flow & {
    readonly ProcessorConfig?: {
      readonly Mode?: 'INLINE' | 'DISTRIBUTED';
      readonly ExecutionType?: 'STANDARD' | 'EXPRESS';
    };
  };
  readonly Items?: unknown;
  readonly ItemReader?: ItemReader;
  readonly ItemSelector?: unknown;
  readonly ItemBatcher?: ItemBatcher;
  readonly MaxConcurrency?: unknown;
  readonly ToleratedFailureCount?: unknown;
  readonly ToleratedFailurePercentage?: unknown;
  readonly ResultWriter?: ResultWriter;
  readonly Label?: string;
}

export type State =
  | PassState
  | SucceedState
  | FailState
  | WaitState
  | ChoiceState
  | TaskState
  | ParallelState
  | MapState;

export function isDistributed({ ItemProcessor }: MapState): boolean {
  return ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED';
}
