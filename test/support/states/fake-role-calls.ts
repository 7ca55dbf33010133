import { AwsCallError, type ListedObject, type RoleCalls } from '../../../local/states/role-calls.ts';

type Handler = (event: never) => unknown;

/** AWS as a machine under test sees it: functions and objects in memory, and everything it was asked. */
export class FakeRoleCalls implements RoleCalls {
  readonly functions: Record<string, Handler> = {};
  readonly objects = new Map<string, Uint8Array>();
  readonly services: Record<string, Handler> = {};
  readonly invoked: { readonly name: string; readonly payload: unknown }[] = [];
  mayStartChildren = true;

  put(place: string, body: string | Uint8Array): void {
    this.objects.set(place, Buffer.from(body as string));
  }

  read(place: string): string {
    return Buffer.from(this.objects.get(place) ?? '').toString('utf8');
  }

  async invoke(functionName: string, payload: string): Promise<{ functionError: string | undefined; payload: string }> {
    const name = functionName.split(':').at(-1) ?? '';
    const event = JSON.parse(payload) as never;
    this.invoked.push({ name, payload: event });
    const handler = this.functions[name];
    if (!handler) throw new AwsCallError('ResourceNotFoundException', { message: 'Function not found', status: 404 });
    try {
      return { functionError: undefined, payload: JSON.stringify((await handler(event)) ?? null) };
    } catch (error) {
      if (error instanceof AwsCallError || !(error instanceof Error)) throw error;
      return {
        functionError: 'Unhandled',
        payload: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
      };
    }
  }

  async getObject(bucket: string, key: string): Promise<Uint8Array> {
    const body = this.objects.get(`${bucket}/${key}`);
    if (!body) throw new AwsCallError('NoSuchKey', { message: 'The specified key does not exist.', status: 404 });
    return body;
  }

  async listObjects(bucket: string, prefix: string): Promise<readonly ListedObject[]> {
    return [...this.objects]
      .filter(([place]) => place.startsWith(`${bucket}/${prefix}`))
      .map(([place, body]) => ({
        Etag: '"e"',
        Key: place.slice(bucket.length + 1),
        LastModified: 1_767_225_600,
        Size: body.length,
        StorageClass: 'STANDARD',
      }));
  }

  async putObject(bucket: string, key: string, body: string): Promise<void> {
    this.put(`${bucket}/${key}`, body);
  }

  async call(service: string, operation: string, input: unknown): Promise<unknown> {
    const handler = this.services[`${service}.${operation}`];
    if (!handler) throw new AwsCallError('UnknownOperationException', { message: operation, status: 400 });
    return handler(input as never);
  }

  async startChildren(): Promise<void> {
    if (this.mayStartChildren) return;
    throw new AwsCallError('AccessDeniedException', { message: 'not authorized', status: 400 });
  }
}
