"""One telling of the story: who tells it, where, and what came of the parts that were told before."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field
from typing import Any

import mlflow
from mlflow.version import VERSION

from .app import Told


@dataclass
class Telling:
    """Every name that is unique on the server carries `run`, so that a server can be told the story twice."""

    run: str
    version: tuple[int, ...] = tuple(int(part) for part in VERSION.split(".")[:3])
    is_tracing_only: bool = importlib.util.find_spec("mlflow.genai") is None
    url: str = field(default_factory=lambda: os.environ["MLFLOW_TRACKING_URI"].rstrip("/"))
    key: str = field(default_factory=lambda: os.environ.get("MLFLOW_TRACKING_TOKEN", ""))
    told: dict[str, Told] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def experiment_id(self) -> str:
        """The experiment in which the story takes place."""
        return self.enter("story")

    def name(self, part: str) -> str:
        return f"{part} {VERSION}{' tracing' if self.is_tracing_only else ''} {self.run}"

    def enter(self, part: str) -> str:
        """Makes the experiment of this name the current one and answers its id."""
        if f"experiment {part}" not in self.kept:
            self.kept[f"experiment {part}"] = mlflow.set_experiment(self.name(part)).experiment_id
        else:
            mlflow.set_experiment(experiment_id=self.kept[f"experiment {part}"])
        return self.kept[f"experiment {part}"]

    def search(self, filter_string: str | None = None, **options: Any) -> list[Any]:
        """Traces of the story's experiment, as a list."""
        return mlflow.search_traces(
            **{
                "experiment_ids": [self.experiment_id],
                "filter_string": filter_string,
                "return_type": "list",
                **options,
            }
        )

    def names(self, filter_string: str | None = None, **options: Any) -> list[str]:
        """The names under which the found traces were told, in the order in which they were found."""
        by_id = {told.trace_id: name for name, told in self.told.items()}
        return [by_id.get(t.info.trace_id, t.info.trace_id) for t in self.search(filter_string, **options)]
