"""Archival of traces as a table: Assay always does it, so that there is a name to note and nothing to switch."""

from __future__ import annotations

import logging
import re

from assay_mlflow._server import require_assay, resolve_experiment_id

_logger = logging.getLogger(__name__)

ARCHIVE_TABLE_TAG = "assay.archiveTable"
_TABLE_FULL_NAME = re.compile(r"[^.\s/]+\.[^.\s/]+\.[^.\s/]+")


def enable_databricks_trace_archival(*, delta_table_fullname: str, experiment_id: str | None = None) -> None:
    """Notes on the experiment under which name its users know the archive, as tag `assay.archiveTable`.

    Assay archives the traces of all experiments from the first one on; SQL runs in Athena, on the views of the database `assay`.

    Args:
        delta_table_fullname: `catalog.schema.table`.
        experiment_id: by default the active experiment.

    Raises:
        ValueError: the name has not three parts.
        mlflow.MlflowException: the tracking URI is not Assay's, or there is no such experiment.
    """
    enable_trace_archival(experiment_id=experiment_id, table_fullname=delta_table_fullname)


def disable_databricks_trace_archival(*, experiment_id: str | None = None) -> None:
    """Removes the noted name. The traces stay in the archive, and new ones are archived as before."""
    disable_trace_archival(experiment_id=experiment_id)


def enable_trace_archival(*, experiment_id: str | None = None, table_fullname: str) -> None:
    """As `databricks.agents.archive` has it, which MLflow's own `enable_databricks_trace_archival` calls."""
    from mlflow import MlflowClient

    require_assay("enable_databricks_trace_archival")
    if not _TABLE_FULL_NAME.fullmatch(table_fullname):
        raise ValueError(f"the full name of a table is catalog.schema.table, got {table_fullname!r}")
    client = MlflowClient()
    experiment = client.get_experiment(resolve_experiment_id(experiment_id))
    if experiment.tags.get(ARCHIVE_TABLE_TAG) != table_fullname:
        client.set_experiment_tag(experiment.experiment_id, ARCHIVE_TABLE_TAG, table_fullname)
    _logger.info(
        "Assay archives every trace of experiment '%s' already; query it in Athena: select * from assay.traces_current "
        "where experiment_id = '%s'. Its tag %s says %s",
        experiment.name,
        experiment.experiment_id,
        ARCHIVE_TABLE_TAG,
        table_fullname,
    )


def disable_trace_archival(*, experiment_id: str | None = None) -> None:
    """As `databricks.agents.archive` has it."""
    from mlflow import MlflowClient

    require_assay("disable_databricks_trace_archival")
    client = MlflowClient()
    experiment = client.get_experiment(resolve_experiment_id(experiment_id))
    if ARCHIVE_TABLE_TAG in experiment.tags:
        client.delete_experiment_tag(experiment.experiment_id, ARCHIVE_TABLE_TAG)
    _logger.info(
        "Assay goes on archiving the traces of experiment '%s': archival cannot be switched off", experiment.name
    )
