"""Feedbacks of one scorer on one trace, onto the trace. Doing it again overwrites; nothing stacks."""

from __future__ import annotations

from typing import Any

from assay_mlflow._run_scorer import ON_DEMAND, SCORER_NAME, SCORER_VERSION

_PLACE = (ON_DEMAND, SCORER_NAME, SCORER_VERSION)


def log_feedbacks(trace_id: str, feedbacks: list[Any]) -> list[Any]:
    """Feedbacks as the server keeps them, with their ids. The n-th of a scorer's feedbacks with the same name, about the same
    span, takes the place of the n-th that an earlier run of the same version left there."""
    import mlflow

    left = [] if not feedbacks else _on_demand_feedbacks(trace_id)
    logged = []
    for feedback in feedbacks:
        earlier = next((candidate for candidate in left if _place(candidate) == _place(feedback)), None)
        if earlier is None:
            logged.append(mlflow.log_assessment(trace_id, feedback))
        else:
            left.remove(earlier)
            # Without a text the earlier one would stay.
            feedback.rationale = feedback.rationale or ""
            logged.append(mlflow.update_assessment(trace_id, earlier.assessment_id, feedback))
    return logged


def _on_demand_feedbacks(trace_id: str) -> list[Any]:
    from mlflow.tracking._tracking_service.utils import _get_store

    assessments = _get_store().get_trace_info(trace_id).assessments or []
    found = [one for one in assessments if one.feedback is not None and ON_DEMAND in (one.metadata or {})]
    return sorted(found, key=lambda one: one.create_time_ms)


def _place(feedback: Any) -> tuple[Any, ...]:
    metadata = feedback.metadata or {}
    return (feedback.name, feedback.span_id or None, *(metadata.get(key) for key in _PLACE))
