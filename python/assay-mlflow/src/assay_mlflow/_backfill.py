"""Scoring the past: `databricks.agents.scorers`, for Assay."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from assay_mlflow._server import post, require_assay, resolve_experiment_id

if TYPE_CHECKING:
    from mlflow.genai.scorers import Scorer

PATH = "/api/1.0/assay/backfills"
_DEFAULT_RANGE = timedelta(days=7)


@dataclass
class BackfillScorerConfig:
    """A scorer of a backfill.

    Args:
        scorer: a registered scorer, as `register()`, `start()`, `get_scorer()` or `list_scorers()` return it.
        sample_rate: 0.0 to 1.0; by default the rate that the scorer has.
    """

    scorer: Scorer
    sample_rate: float | None = None


def backfill_scorers(
    *,
    experiment_id: str | None = None,
    scorers: list[BackfillScorerConfig] | list[str],
    start_time: datetime | None = None,
    end_time: datetime | None = None,
) -> str:
    """Runs registered scorers on the traces of a past time range.

    Args:
        experiment_id: by default the active experiment.
        scorers: names, with the sample rates that they have, or `BackfillScorerConfig` objects.
        start_time: first moment; a time without zone is local. Without start and end: the last seven days.
        end_time: last moment; by default now.

    Returns:
        The id of the backfill.

    Raises:
        ValueError: `scorers` is empty or mixed, a scorer is not registered, a rate or the time range is none.
        mlflow.MlflowException: the tracking URI is not Assay's, or that server has no backfill.
    """
    require_assay("backfill_scorers")
    wanted = _to_requests(scorers)
    experiment = resolve_experiment_id(experiment_id)
    _refuse_unregistered([scorer["name"] for scorer in wanted], experiment)
    body = {"experiment_id": experiment, "scorers": wanted, **_time_range(start_time, end_time)}
    return str(_start(body)["backfill_id"])


def _to_requests(scorers: Sequence[Any]) -> list[dict[str, Any]]:
    if isinstance(scorers, Sequence) and not isinstance(scorers, str) and len(scorers) > 0:
        if all(isinstance(scorer, str) for scorer in scorers):
            return [{"name": name} for name in scorers]
        if all(isinstance(scorer, BackfillScorerConfig) for scorer in scorers):
            return [_to_request(config) for config in scorers]
    # The text that databricks-agents has.
    raise ValueError(
        "scorers must be either a list of strings (scorer names) or a list of BackfillScorer objects"
        + (": it is empty" if isinstance(scorers, list) and not scorers else "")
    )


def _to_request(config: BackfillScorerConfig) -> dict[str, Any]:
    request: dict[str, Any] = {"name": config.scorer.name}
    # Known to clients from 3.16 on; without it the server takes the latest.
    version = getattr(config.scorer, "scorer_version", None)
    if isinstance(version, int):
        request["version"] = version
    if config.sample_rate is not None:
        rate = config.sample_rate
        if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not 0 <= rate <= 1:
            raise ValueError(f"sample_rate of scorer '{config.scorer.name}' must be between 0.0 and 1.0, got {rate!r}")
        request["sample_rate"] = float(rate)
    return request


def _refuse_unregistered(names: list[str], experiment_id: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.tracking._tracking_service.utils import _get_store

    store = _get_store()
    known = [scorer.scorer_name for scorer in store.list_scorers(experiment_id)]
    for name in names:
        if name in known:
            continue
        # Lists leave out what this version of MLflow cannot load; it can be backfilled all the same.
        try:
            store.get_scorer(experiment_id, name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise ValueError(
                f"Scheduled scorer '{name}' not found in experiment '{experiment_id}'. Available scorers: {known}"
            ) from error


def _time_range(start: datetime | None, end: datetime | None) -> dict[str, str]:
    if start is None and end is None:
        start = datetime.now(timezone.utc) - _DEFAULT_RANGE
    times = {"start_time": start and _to_utc(start), "end_time": end and _to_utc(end)}
    if times["start_time"] and times["end_time"] and times["start_time"] >= times["end_time"]:
        raise ValueError(f"start_time must be before end_time, got {start} and {end}")
    return {name: _rfc3339(time) for name, time in times.items() if time}


def _to_utc(time: datetime) -> datetime:
    return time.astimezone(timezone.utc)


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _start(body: dict[str, Any]) -> dict[str, Any]:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND

    try:
        return post(PATH, body)
    except MlflowException as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
        raise MlflowException(
            f"this version of Assay has no backfill: it does not serve POST {PATH}. Update the server; until then, "
            "assay_mlflow.assess(traces, scorers) scores the traces that mlflow.search_traces() finds",
            error_code=ENDPOINT_NOT_FOUND,
        ) from error
