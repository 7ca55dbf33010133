"""Entry point `mlflow.scorer_store`: loaded while `mlflow.genai.scorers.registry` is imported, which is before any scorer can be
registered or read. So the patches are made by importing this module, and the store, which derives from one of the
registry's classes, is imported when the first one is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay_mlflow import _patches

if TYPE_CHECKING:
    from assay_mlflow._scorer_store import AssayScorerStore

_patches.apply()


def create_scorer_store(tracking_uri: str | None = None) -> AssayScorerStore:
    """The store of registered scorers for http and https."""
    from assay_mlflow._scorer_store import AssayScorerStore

    return AssayScorerStore(tracking_uri)
