/** `<provider>:/<model>`, as MLflow writes it. */
export interface ModelUri {
  readonly provider: string;
  readonly model: string;
}

/** Undefined for a text that is no model URI. Names of models are case sensitive, those of providers are not. */
export function parseModelUri(text: string): ModelUri | undefined {
  const [, provider, model] = /^([a-z][a-z0-9_-]{0,49}):\/([^\s\p{Cc}]{1,500})$/iu.exec(text) ?? [];
  return provider && model ? { provider: provider.toLowerCase(), model: model.replace(/^\/+/, '') } : undefined;
}
