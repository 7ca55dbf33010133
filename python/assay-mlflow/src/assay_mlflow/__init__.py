"""What the MLflow client keeps for Databricks, against Assay: see the package's README."""

from assay_mlflow._archival import disable_databricks_trace_archival, enable_databricks_trace_archival
from assay_mlflow._assess import ScorerOutcome, assess
from assay_mlflow._backfill import BackfillScorerConfig, backfill_scorers
from assay_mlflow._databricks_names import install_databricks_names
from assay_mlflow._version import __version__

__all__ = [
    "BackfillScorerConfig",
    "ScorerOutcome",
    "__version__",
    "assess",
    "backfill_scorers",
    "disable_databricks_trace_archival",
    "enable_databricks_trace_archival",
    "install_databricks_names",
]
