import type { MapRunRecord } from './recorded.ts';

/** Amazon Resource Names of what a state machine leads to: Step Functions developer guide, "Actions, resources, and condition keys". */

export function executionArn(machineArn: string, name: string): string {
  return `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

export function mapRunArn(machineArn: string, { id, label }: Pick<MapRunRecord, 'id' | 'label'>): string {
  return `${machineArn.replace(':stateMachine:', ':mapRun:')}/${label}:${id}`;
}

/** Of the machine that the children of a Map Run run. */
export function childMachineArn(machineArn: string, { label }: Pick<MapRunRecord, 'label'>): string {
  return `${machineArn}/${label}`;
}

export function childExecutionArn(
  childMachine: string,
  { name, isExpress }: { name: string; isExpress: boolean },
): string {
  return isExpress
    ? `${childMachine.replace(':stateMachine:', ':express:')}:${name}:${name}`
    : executionArn(childMachine, name);
}
