"""Scoring given traces now."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from assay_mlflow._log_feedbacks import log_feedbacks
from assay_mlflow._run_scorer import SESSION, run_on_session, run_on_trace
from assay_mlflow._server import require_assay, resolve_experiment_id

if TYPE_CHECKING:
    import pandas
    from mlflow.entities import Feedback, Trace
    from mlflow.genai.scorers import Scorer

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScorerOutcome:
    """What one scorer found about one trace, or about the session that begins with it. No feedback: it had nothing to say."""

    trace_id: str
    scorer: str
    feedbacks: list[Feedback]

    @property
    def failed(self) -> bool:
        """An error is never a score: the value of such a feedback is None."""
        return any(feedback.error is not None for feedback in self.feedbacks)


@dataclass(frozen=True)
class _Task:
    trace_id: str
    scorer: Any
    run: Callable[[], list[Any]]


def assess(
    traces: Trace | str | Sequence[Trace | str] | pandas.DataFrame,
    scorers: Scorer | str | Sequence[Scorer | str],
    *,
    experiment_id: str | None = None,
    log: bool = True,
    max_workers: int | None = None,
) -> list[ScorerOutcome]:
    """Runs scorers on traces in this process and logs what they find onto the traces.

    Beside sampling: such feedbacks are marked `assay.onDemand` in their metadata and carry no sampling rate. Running the same
    scorer again overwrites its earlier feedbacks. An exception of a scorer becomes a feedback with an error.

    Args:
        traces: traces, ids of traces, or the DataFrame of `mlflow.search_traces()`.
        scorers: scorers of any kind that this process can run, registered or not, or names of registered ones. Those that judge
            conversations get the given traces of each session, and leave their feedback on its first one.
        experiment_id: where the named scorers are registered; by default the active experiment.
        log: False only returns what was found.
        max_workers: scorers that run at the same time; by default as many as MLFLOW_GENAI_EVAL_MAX_WORKERS says (10).

    Returns:
        One outcome for each trace and scorer, in this order, then one for each session and scorer.

    Raises:
        ValueError: two scorers have the same name, or there is something else among the traces or scorers.
        mlflow.MlflowException: a trace or a scorer is not there, or a feedback cannot be logged; what was logged until then stays.
    """
    runnable = _to_scorers(scorers, experiment_id)
    if log:
        require_assay("assess(log=True)")
    found = _to_traces(traces)
    tasks = [*_trace_tasks(found, runnable), *_session_tasks(found, runnable)]
    return _run_all(tasks, log=log, max_workers=max_workers)


def _run_all(tasks: list[_Task], *, log: bool, max_workers: int | None) -> list[ScorerOutcome]:
    from mlflow.environment_variables import MLFLOW_GENAI_EVAL_MAX_WORKERS

    def complete(task: _Task) -> ScorerOutcome:
        feedbacks = task.run()
        return ScorerOutcome(
            task.trace_id, task.scorer.name, log_feedbacks(task.trace_id, feedbacks) if log else feedbacks
        )

    with ThreadPoolExecutor(max_workers or MLFLOW_GENAI_EVAL_MAX_WORKERS.get(), "assay-assess") as pool:
        # Each with a copy of the caller's context, in which MLflow keeps what is active.
        futures: list[Future[ScorerOutcome]] = [
            pool.submit(contextvars.copy_context().run, complete, task) for task in tasks
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _trace_tasks(traces: list[Any], scorers: list[Any]) -> Iterable[_Task]:
    for trace in traces:
        for scorer in scorers:
            if not scorer.is_session_level_scorer:
                yield _Task(trace.info.trace_id, scorer, partial(run_on_trace, scorer, trace))


def _session_tasks(traces: list[Any], scorers: list[Any]) -> Iterable[_Task]:
    session_scorers = [scorer for scorer in scorers if scorer.is_session_level_scorer]
    if not session_scorers:
        return
    sessions: dict[str, list[Any]] = {}
    for trace in sorted(traces, key=lambda trace: trace.info.request_time):
        session_id = (trace.info.trace_metadata or {}).get(SESSION)
        if session_id:
            sessions.setdefault(session_id, []).append(trace)
    if without := len(traces) - sum(map(len, sessions.values())):
        _logger.warning(
            "%d of %d traces belong to no session: scorers of sessions pass them over", without, len(traces)
        )
    for session in sessions.values():
        for scorer in session_scorers:
            yield _Task(session[0].info.trace_id, scorer, partial(run_on_session, scorer, session))


def _to_scorers(scorers: Any, experiment_id: str | None) -> list[Any]:
    from mlflow.genai.scorers import Scorer

    given = _listed(scorers, Scorer)
    for scorer in given:
        if not isinstance(scorer, (str, Scorer)):
            raise ValueError(f"a scorer is a Scorer or the name of a registered one, got {type(scorer).__name__}")
    runnable = [_load(scorer, experiment_id) if isinstance(scorer, str) else scorer for scorer in given]
    for scorer in runnable:
        # A level of MLflow's session hierarchy (3.18), which an experiment's tag declares.
        if getattr(scorer, "session_level", None) is not None:
            raise ValueError(f"scorer '{scorer.name}' has a session_level: mlflow.genai.evaluate() knows how to run it")
    names = [scorer.name for scorer in runnable]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"names of scorers must differ, or their feedbacks could not be told apart: {repeated}")
    return runnable


def _load(name: str, experiment_id: str | None) -> Any:
    from mlflow.genai.scorers import get_scorer

    require_assay("a scorer's name in assess()")
    return get_scorer(name=name, experiment_id=resolve_experiment_id(experiment_id))


def _listed(given: Any, kind: type) -> list[Any]:
    """One or many; traces and scorers are iterable, too."""
    return list(given) if isinstance(given, Iterable) and not isinstance(given, (str, kind)) else [given]


def _to_traces(traces: Any) -> list[Any]:
    from mlflow.entities import Trace

    if hasattr(traces, "columns"):
        traces = [Trace.from_json(cell) if isinstance(cell, str) else cell for cell in traces["trace"]]
    found = [_fetch(trace) if isinstance(trace, str) else trace for trace in _listed(traces, Trace)]
    for trace in found:
        if not isinstance(trace, Trace):
            raise ValueError(f"a trace is a Trace or the id of one, got {type(trace).__name__}")
    # Searched without spans, they have no inputs and outputs that could be judged.
    complete = [trace if trace.data.spans else _fetch(trace.info.trace_id) for trace in found]
    return list({trace.info.trace_id: trace for trace in complete}.values())


def _fetch(trace_id: str) -> Any:
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

    trace = mlflow.get_trace(trace_id)
    if trace is None:
        raise MlflowException(f"Trace with ID '{trace_id}' not found.", error_code=RESOURCE_DOES_NOT_EXIST)
    return trace
