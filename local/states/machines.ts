import type { Caller, Gateway } from '../gateway/gateway.ts';
import { statementsOf } from '../gateway/role-statements.ts';
import type { DeployedResource } from '../template/assembly.ts';
import { systemClock } from './clock.ts';
import { gatewayCalls } from './gateway-calls.ts';
import { parseDefinition } from './parse-definition.ts';
import type { LocalMachine } from './state-machines.ts';

interface MachineProperties {
  readonly DefinitionString: string;
  readonly RoleArn: string;
  readonly StateMachineType?: 'STANDARD' | 'EXPRESS';
}

export interface MachinesOptions {
  readonly endpoint: string;
  readonly gateway: Pick<Gateway, 'authorize'>;
  /** At most so long a state waits and a retry is put off; as long as the definition says where it is not given. */
  readonly waitSeconds?: number | undefined;
  readonly log: (line: string) => void;
}

/** The template's state machines, and as what the gateway knows them. */
export function machinesOf(
  resources: readonly DeployedResource[],
  { endpoint, gateway, waitSeconds = Number.POSITIVE_INFINITY, log }: MachinesOptions,
): readonly { machine: LocalMachine; accessKeyId: string; caller: Caller }[] {
  const described = resources.filter(({ type }) => type === 'AWS::StepFunctions::StateMachine');
  return described.map(({ id, arn, properties }, i) => {
    const { DefinitionString, RoleArn, StateMachineType = 'STANDARD' } = properties as unknown as MachineProperties;
    if (StateMachineType !== 'STANDARD')
      throw new Error(`state machine ${id}: the local stack runs STANDARD ones only`);
    const name = arn.split(':').at(-1) ?? id;
    const accessKeyId = `MACHINE${i}`;
    const machine: LocalMachine = {
      arn,
      name,
      roleArn: RoleArn,
      definition: parseDefinition(DefinitionString),
      surroundings: {
        calls: gatewayCalls({ endpoint, accessKeyId, machineArn: arn, gateway }),
        clock: systemClock,
        chance: Math.random,
        longestWaitSeconds: waitSeconds,
        failed: (error) => log(`state machine ${name}: ${error instanceof Error ? error.stack : String(error)}`),
      },
    };
    return {
      machine,
      accessKeyId,
      caller: { kind: 'state machine', name, statements: statementsOf(RoleArn, resources) },
    };
  });
}
