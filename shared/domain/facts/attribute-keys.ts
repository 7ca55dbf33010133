/**
 * Where each dialect says a thing, the most telling first. Sources: OpenTelemetry semantic conventions for GenAI (1.27 to 1.38),
 * OpenInference's semantic conventions, MLflow's span attributes, and spans of Google ADK, AutoGen, Claude Agent SDK, Traceloop and
 * Langfuse as their instrumentations send them.
 */
export const keys = {
  inputs: [
    'mlflow.spanInputs',
    'gen_ai.tool.call.arguments',
    'gen_ai.input.messages',
    'gen_ai.retrieval.query.text',
    'input.value',
    'traceloop.entity.input',
    'gcp.vertex.agent.tool_call_args',
    'gcp.vertex.agent.llm_request',
    'langfuse.observation.input',
    'gen_ai.prompt',
  ],
  outputs: [
    'mlflow.spanOutputs',
    'gen_ai.tool.call.result',
    'gen_ai.output.messages',
    'gen_ai.retrieval.documents',
    'output.value',
    'traceloop.entity.output',
    'gcp.vertex.agent.tool_response',
    'gcp.vertex.agent.llm_response',
    'langfuse.observation.output',
    'gen_ai.completion',
  ],
  model: [
    'mlflow.llm.model',
    'gen_ai.response.model',
    'gen_ai.request.model',
    'llm.model_name',
    'embedding.model_name',
  ],
  provider: ['mlflow.llm.provider', 'gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system'],
  inputTokens: [
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'llm.token_count.prompt',
    'llm.usage.prompt_tokens',
  ],
  outputTokens: [
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'llm.token_count.completion',
    'llm.usage.completion_tokens',
  ],
  totalTokens: ['gen_ai.usage.total_tokens', 'llm.token_count.total', 'llm.usage.total_tokens'],
  cacheReadTokens: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'llm.token_count.prompt_details.cache_read',
  ],
  cacheCreationTokens: [
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'llm.token_count.prompt_details.cache_write',
  ],
  toolName: ['gen_ai.tool.name', 'tool.name', 'tool_call.function.name'],
  session: [
    'mlflow.trace.session',
    'session.id',
    'gen_ai.conversation.id',
    'gcp.vertex.agent.session_id',
    'langfuse.session.id',
    'traceloop.association.properties.session_id',
  ],
  user: ['mlflow.trace.user', 'user.id', 'enduser.id', 'langfuse.user.id', 'traceloop.association.properties.user_id'],
  clientRequest: ['mlflow.clientRequestId', 'client_request_id'],
} as const;
