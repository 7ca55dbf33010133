"""The two checks in `mlflow.genai.scorers.base.Scorer` for which MLflow has no entry point.

1. Before 3.17, `_check_can_be_registered` refuses `@scorer` functions for every server that is not Databricks. From 3.17 on it
   leaves that to an http(s) server; the patch brings the same to the earlier clients.
2. `_reconstruct_decorator_scorer` refuses to load them without MLFLOW_SERVER_ENABLE_CUSTOM_SCORERS, because it would run their
   code. While the scorers of Assay are read (and only then) a handle is made instead, which runs nothing until it is called.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_logger = logging.getLogger(__name__)

_reading_stored_scorers: ContextVar[bool] = ContextVar("assay_mlflow_reading_stored_scorers", default=False)
_is_applied = False


@contextmanager
def reading_stored_scorers() -> Iterator[None]:
    """Within, `@scorer` functions are loaded as handles."""
    token = _reading_stored_scorers.set(True)
    try:
        yield
    finally:
        _reading_stored_scorers.reset(token)


def apply() -> None:
    """Does nothing the second time, and to an MLflow in which the checks are not where they were found in 3.9 to 3.18."""
    global _is_applied
    if _is_applied:
        return
    _is_applied = True
    # By its name in sys.modules: the package that holds it may still be loading.
    scorer_class = importlib.import_module("mlflow.genai.scorers.base").Scorer
    if _mlflow_version() < (3, 17):
        _let_servers_decide_about_functions(scorer_class)
    _read_functions_as_handles(scorer_class)


def _mlflow_version() -> tuple[int, int]:
    from mlflow.version import VERSION

    major, minor, *_ = VERSION.split(".")
    return int(major), int(minor)


def _let_servers_decide_about_functions(scorer_class: Any) -> None:
    original = scorer_class.__dict__.get("_check_can_be_registered")
    if original is None:
        return _warn("registering @scorer functions")

    @functools.wraps(original)
    def check(self: Any, error_message: str | None = None) -> None:
        from mlflow.genai.scorers.base import ScorerKind
        from mlflow.tracking import get_tracking_uri
        from mlflow.utils.uri import is_http_uri

        # Of what the original asks, only the tracking URI concerns a function.
        if self.kind == ScorerKind.DECORATOR and is_http_uri(get_tracking_uri()):
            return
        original(self, error_message)

    scorer_class._check_can_be_registered = check


def _read_functions_as_handles(scorer_class: Any) -> None:
    original = scorer_class.__dict__.get("_reconstruct_decorator_scorer")
    if not isinstance(original, classmethod):
        return _warn("reading @scorer functions back")

    @functools.wraps(original.__func__)
    def reconstruct(cls: Any, serialized: Any) -> Any:
        if not _reading_stored_scorers.get():
            return original.__func__(cls, serialized)
        from assay_mlflow._stored_scorer import create_stored_scorer

        return create_stored_scorer(serialized)

    scorer_class._reconstruct_decorator_scorer = classmethod(reconstruct)


def _warn(what: str) -> None:
    from mlflow.version import VERSION

    _logger.warning("assay-mlflow does not know MLflow %s well enough for %s: update assay-mlflow", VERSION, what)
