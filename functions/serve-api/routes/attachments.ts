import { ApiError } from '../../../shared/domain/api-error.ts';
import type { Attachment, AttachmentStore, Clock, TraceEditor, TraceReader } from '../../../shared/domain/ports.ts';
import { existingTrace } from '../../../shared/domain/read-trace.ts';
import { type ApiRequest, required } from '../request.ts';
import { ingesters, type Route, readers } from '../router.ts';

export interface AttachmentRouteDeps {
  readonly index: Pick<TraceReader, 'getInfos'>;
  readonly editor: Pick<TraceEditor, 'noteAttachment'>;
  readonly attachments: Pick<AttachmentStore, 'put' | 'urlOf'>;
  readonly now: Clock;
}

const nameOnly = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Images and sounds that MLflow's clients from 3.12 on cut out of spans: they put them where the tag `mlflow.artifactLocation` points,
 * and the span keeps a reference. Lambda takes 6 MB with the body in base64, so about 4.4 MB; the gateway refuses more with 413.
 */
export function attachmentRoutes(deps: AttachmentRouteDeps): readonly Route[] {
  const path = '/api/2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/attachments/{name}';
  return [
    { method: 'PUT', path, roles: ingesters, handle: (request) => put(request, deps) },
    { method: 'GET', path, roles: readers, handle: async (request) => get(request.parameters, { request, deps }) },
    // As MLflow's pages ask for it.
    {
      method: 'GET',
      path: '/api/2.0/mlflow/get-trace-artifact',
      roles: readers,
      handle: async (request) => {
        const [traceId, name] = [required(request.query, 'request_id'), required(request.query, 'path')];
        return get({ traceId, name: name.replace(/^attachments\//, '') }, { request, deps });
      },
    },
  ];
}

async function put(request: ApiRequest, deps: AttachmentRouteDeps) {
  const attachment = await placeOf(request.parameters, { request, deps });
  await deps.editor.noteAttachment(attachment, deps.now());
  await deps.attachments.put(attachment, request.bytes);
  return { json: {} };
}

async function get(
  parameters: Readonly<Record<string, string>>,
  context: { request: ApiRequest; deps: AttachmentRouteDeps },
) {
  return { redirect: await context.deps.attachments.urlOf(await placeOf(parameters, context)) };
}

/** Where it lies; the key must open the experiment of its trace. */
async function placeOf(
  { traceId = '', name = '', experimentId }: Readonly<Record<string, string>>,
  { request, deps }: { request: ApiRequest; deps: AttachmentRouteDeps },
): Promise<Attachment> {
  if (!nameOnly.test(name))
    throw new ApiError(
      'INVALID_PARAMETER_VALUE',
      `an attachment is named by letters, digits, ".", "_" and "-", got '${name}'`,
    );
  const info = await existingTrace(traceId, deps.index);
  request.requireExperiment(info.experimentId);
  if (experimentId !== undefined && experimentId !== info.experimentId)
    throw new ApiError('RESOURCE_DOES_NOT_EXIST', `trace ${traceId} is not of experiment ${experimentId}`);
  return { experimentId: info.experimentId, traceId, name };
}
