from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorder import Recorder

import assay_mlflow


@pytest.fixture(autouse=True)
def names_as_before() -> Iterator[None]:
    before = {name: module for name, module in sys.modules.items() if name.startswith("databricks.agents")}
    yield
    for name in [name for name in sys.modules if name.startswith("databricks.agents")]:
        del sys.modules[name]
    sys.modules.update(before)


def test_names_are_not_there_unless_asked_for() -> None:
    with pytest.raises(ImportError):
        import databricks.agents.scorers  # noqa: F401


def test_user_code_finds_the_names() -> None:
    assert assay_mlflow.install_databricks_names() is True
    assert assay_mlflow.install_databricks_names() is True

    from databricks.agents.archive import enable_databricks_trace_archival
    from databricks.agents.scorers import BackfillScorerConfig, backfill_scorers

    assert backfill_scorers is assay_mlflow.backfill_scorers
    assert BackfillScorerConfig is assay_mlflow.BackfillScorerConfig
    assert enable_databricks_trace_archival is assay_mlflow.enable_databricks_trace_archival


def test_mlflows_own_archival_goes_to_assay(fake: Recorder) -> None:
    from mlflow.tracing.archival import disable_databricks_trace_archival, enable_databricks_trace_archival

    assay_mlflow.install_databricks_names()
    enable_databricks_trace_archival(delta_table_fullname="prod.genai.traces")
    disable_databricks_trace_archival()

    assert [request.body for request in fake.requests if request.method == "POST"] == [
        {"experiment_id": "7", "key": "assay.archiveTable", "value": "prod.genai.traces"},
        {"experiment_id": "7", "key": "assay.archiveTable"},
    ]


def test_mlflow_goes_on_knowing_that_databricks_agents_is_not_installed() -> None:
    assay_mlflow.install_databricks_names()

    assert importlib.util.find_spec("databricks.agents") is None
    with pytest.raises(ImportError):
        import databricks.agents.evals  # noqa: F401


def test_a_real_installation_keeps_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import databricks

    package = tmp_path / "databricks" / "agents"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "scorers.py").write_text("backfill_scorers = 'the real one'\n")
    monkeypatch.setattr(databricks, "__path__", [*databricks.__path__, str(tmp_path / "databricks")])

    assert assay_mlflow.install_databricks_names() is False

    from databricks.agents.scorers import backfill_scorers

    assert backfill_scorers == "the real one"
    monkeypatch.delattr(databricks, "agents", raising=False)
