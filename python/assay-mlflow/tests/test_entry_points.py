"""What MLflow loads by itself, without `import assay_mlflow` anywhere."""

from __future__ import annotations

import subprocess
import sys

from fake_assay import SCORERS
from recorder import Recorder

import assay_mlflow


def _python(code: str, tracking_uri: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:mlflow.genai.scorers", "-c", code],
        env={
            "MLFLOW_TRACKING_URI": tracking_uri,
            "MLFLOW_EXPERIMENT_ID": "7",
            "PATH": "",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Failure attempting to register" not in done.stderr
    return done.stdout


def test_every_request_says_that_the_package_is_there(fake: Recorder) -> None:
    _python("import mlflow; mlflow.get_experiment('7')", fake.url)

    (request,) = fake.asked("GET /api/2.0/mlflow/experiments/get")
    assert request.headers["x-assay-mlflow"] == assay_mlflow.__version__


UNMODIFIED = """
from mlflow.genai.scorers import scorer, list_scorers, delete_scorer
from {file} import is_polite
is_polite.register()
print([found.name for found in list_scorers()])
delete_scorer(name="is_polite")
"""


def test_unmodified_code_registers_lists_and_deletes_functions(fake: Recorder) -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}\n" + UNMODIFIED.format(file="a_scorer")

    assert _python(code, fake.url).strip().splitlines()[-1] == "['is_polite']"
    assert len(fake.asked(f"DELETE {SCORERS}/delete")) == 1


def test_importing_this_package_first_changes_nothing(fake: Recorder) -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}\nimport assay_mlflow\nimport assay_mlflow._scorer_store\n"

    assert _python(code + UNMODIFIED.format(file="a_scorer"), fake.url).strip().splitlines()[-1] == "['is_polite']"


def test_importing_this_package_does_not_import_mlflow() -> None:
    code = "import assay_mlflow, sys; print('mlflow' in sys.modules)"
    assert _python(f"import sys; sys.path[:0] = {sys.path!r}\n{code}", "").strip() == "False"
