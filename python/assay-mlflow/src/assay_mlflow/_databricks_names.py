"""Names under which user code and MLflow itself import what this package offers."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from assay_mlflow import _archival, _backfill

_PACKAGE = "databricks.agents"
_OWN = "Of assay-mlflow, under the name that databricks-agents has for it."
_MODULES: dict[str, dict[str, object]] = {
    "databricks.agents.scorers": {
        "BackfillScorerConfig": _backfill.BackfillScorerConfig,
        "backfill_scorers": _backfill.backfill_scorers,
    },
    "databricks.agents.archive": {
        "enable_trace_archival": _archival.enable_trace_archival,
        "disable_trace_archival": _archival.disable_trace_archival,
        "enable_databricks_trace_archival": _archival.enable_databricks_trace_archival,
        "disable_databricks_trace_archival": _archival.disable_databricks_trace_archival,
    },
}


def install_databricks_names() -> bool:
    """Lets `from databricks.agents.scorers import …` and `from databricks.agents.archive import …` find Assay's functions.

    Only these two modules, and only where `databricks-agents` is not installed. Their parent `databricks.agents` stays absent:
    MLflow looks for it to know whether `databricks-agents` is there, and it is not.

    Returns:
        Whether the names are Assay's now; False: `databricks-agents` is installed and keeps its own.
    """
    if _is_installed(_PACKAGE) or any(_is_foreign(name) for name in _MODULES):
        return False
    for name, members in _MODULES.items():
        if name not in sys.modules:
            module = ModuleType(name, _OWN)
            module.__dict__.update(members, __all__=list(members))
            sys.modules[name] = module
    return True


def _is_foreign(name: str) -> bool:
    return name in sys.modules and sys.modules[name].__doc__ != _OWN


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # nor is its parent
        return False
    except ValueError:  # loaded, by other means than an import
        return True
