"""One scorer on one trace, or on the traces of one session, in this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

ON_DEMAND = "assay.onDemand"
# MLflow's names since 3.17 (mlflow/tracing/constant.py).
SCORER_NAME = "mlflow.assessment.scorerName"
SCORER_VERSION = "mlflow.assessment.scorerVersion"
SESSION = "mlflow.trace.session"


def run_on_trace(scorer: Any, trace: Any) -> list[Any]:
    """Feedbacks as `mlflow.genai.evaluate()` would have them of this trace; of a scorer that fails, one with an error."""
    return _feedbacks(
        scorer,
        lambda: scorer.run(
            inputs=_of_root_span(trace, "inputs"),
            outputs=_of_root_span(trace, "outputs"),
            expectations=_expectations(trace),
            trace=trace,
        ),
        {},
    )


def run_on_session(scorer: Any, session: list[Any]) -> list[Any]:
    """Feedbacks of a conversation, traces in their order."""
    session_id = session[0].info.trace_metadata[SESSION]
    return _feedbacks(scorer, lambda: scorer.run(session=session), {SESSION: session_id})


def _feedbacks(scorer: Any, run: Callable[[], Any], metadata: dict[str, str]) -> list[Any]:
    from mlflow.genai.evaluation.utils import standardize_scorer_value

    try:
        feedbacks = standardize_scorer_value(scorer.name, run())
        for feedback in feedbacks:
            feedback.metadata = {**(feedback.metadata or {}), **metadata, **_provenance(scorer)}
            _refuse_unsendable(feedback)
        return feedbacks
    except Exception as error:
        return [_failure(scorer, error, {**metadata, **_provenance(scorer)})]


def _failure(scorer: Any, error: Exception, metadata: dict[str, str]) -> Any:
    from mlflow.entities import AssessmentError, AssessmentSource, Feedback

    return Feedback(
        name=scorer.name,
        source=AssessmentSource(source_type="CODE", source_id=scorer.name),
        error=AssessmentError(
            error_code="SCORER_ERROR",
            error_message=str(error) or type(error).__name__,
            stack_trace=traceback.format_exc(),
        ),
        metadata=metadata,
    )


def _provenance(scorer: Any) -> dict[str, str]:
    version = getattr(scorer, "scorer_version", None)
    return {
        ON_DEMAND: "client",
        SCORER_NAME: scorer.name,
        **({SCORER_VERSION: str(version)} if version is not None else {}),
    }


def _refuse_unsendable(feedback: Any) -> None:
    """A NaN, or an object that JSON does not know, is a failure of the scorer and not one of the request."""
    from mlflow.utils.proto_json_utils import message_to_json

    message_to_json(feedback.to_proto())


def _of_root_span(trace: Any, attribute: str) -> Any:
    root = next((span for span in trace.data.spans if span.parent_id is None), None)
    return getattr(root, attribute, None)


def _expectations(trace: Any) -> dict[str, Any] | None:
    found = {
        assessment.name: assessment.expectation.value
        for assessment in trace.info.assessments or []
        if assessment.expectation is not None
    }
    return found or None
