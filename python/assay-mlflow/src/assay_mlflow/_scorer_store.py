"""MLflow's store of registered scorers, with what it leaves to Databricks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mlflow.genai.scorers.registry import MlflowTrackingStore

from assay_mlflow._patches import reading_stored_scorers
from assay_mlflow._server import is_assay


class AssayScorerStore(MlflowTrackingStore):
    """To a server that is not Assay it does what MLflow's own store does."""

    def __init__(self, tracking_uri: str | None = None) -> None:
        super().__init__(tracking_uri)
        self._assay_tracking_uri = tracking_uri

    def list_scorers(self, experiment_id: str | None) -> list[Any]:
        with self._reading():
            return super().list_scorers(experiment_id)

    def get_scorer(self, experiment_id: str | int | None, name: str, version: int | None = None) -> Any:
        # MLflow 3.16 starts a scorer that was read with the id as the number that it came as, and fails on it here.
        experiment_id = None if experiment_id is None else str(experiment_id)
        with self._reading():
            return super().get_scorer(experiment_id, name, version)

    def list_scorer_versions(self, experiment_id: str | None, name: str) -> list[tuple[Any, int]]:
        with self._reading():
            return super().list_scorer_versions(experiment_id, name)

    def delete_scorer(self, experiment_id: str | None, name: str, version: int | str | None) -> None:
        """Without version the whole scorer, as Databricks does; MLflow's store asks for an explicit 'all'."""
        if version is None and is_assay(self._assay_tracking_uri):
            version = "all"
        super().delete_scorer(experiment_id, name, version)

    def _reading(self) -> AbstractContextManager[None]:
        return reading_stored_scorers() if is_assay(self._assay_tracking_uri) else nullcontext()
