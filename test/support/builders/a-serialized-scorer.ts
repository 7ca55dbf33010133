/** A scorer as MLflow's client 3.18 writes it: every key there, those of other kinds null. */
export function aSerializedScorer(given: object = {}): Record<string, unknown> {
  return {
    name: 's',
    aggregations: null,
    description: null,
    is_session_level_scorer: false,
    timeout: 0,
    session_level: null,
    mlflow_version: '3.18.0',
    serialization_version: 1,
    builtin_scorer_class: null,
    builtin_scorer_pydantic_data: null,
    call_source: null,
    call_signature: null,
    original_func_name: null,
    instructions_judge_pydantic_data: null,
    memory_augmented_judge_data: null,
    third_party_scorer_data: null,
    ensemble_scorer_data: null,
    ...given,
  };
}
