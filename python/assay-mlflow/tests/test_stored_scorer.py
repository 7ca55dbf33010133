"""Reading a function back runs nothing of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_assay import SCORERS
from mlflow.exceptions import MlflowException
from mlflow.genai.scorers import get_scorer, list_scorers
from recorder import Recorder


def _register(fake: Recorder, **changed: object) -> None:
    serialized = {
        "name": "stored",
        "aggregations": None,
        "description": "as it was stored",
        "is_session_level_scorer": False,
        "mlflow_version": "3.18.0",
        "serialization_version": 1,
        "call_source": "return len(outputs)",
        "call_signature": "(outputs)",
        "original_func_name": "stored",
        **changed,
    }
    version = {
        "experiment_id": 7,
        "scorer_name": "stored",
        "scorer_version": 1,
        "serialized_scorer": json.dumps(serialized),
        "creation_time": 1,
        "scorer_id": "id-of-stored",
    }
    fake.answer(f"GET {SCORERS}/list", {"scorers": [version]})
    fake.answer(f"GET {SCORERS}/get", {"scorer": version})


def test_code_in_the_signature_is_not_run_by_loading(fake: Recorder, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    _register(fake, call_signature=f"(outputs, mark=open({str(ran)!r}, 'w'))")

    (listed,) = list_scorers()

    assert listed.description == "as it was stored"
    assert not ran.exists()


def test_the_code_runs_when_the_scorer_is_called(fake: Recorder) -> None:
    _register(
        fake, call_source='mlflow_free = "x" * 2\nreturn mlflow_free + outputs', call_signature="(outputs, trace=None)"
    )

    assert get_scorer(name="stored").run(inputs="not asked for", outputs="abc") == "xxabc"


@pytest.mark.parametrize("broken", [{"call_source": "return ("}, {"call_signature": "(outputs, of=<object at 0x7f>)"}])
def test_code_that_cannot_be_compiled_is_listed_and_says_so_when_called(fake: Recorder, broken: dict[str, str]) -> None:
    _register(fake, **broken)

    (listed,) = list_scorers()

    with pytest.raises(
        MlflowException, match=r"the code of scorer 'stored', registered with MLflow 3.18.0, cannot be compiled"
    ):
        listed.run(outputs="abc")


def test_a_function_of_sessions_is_known_for_one(fake: Recorder) -> None:
    _register(fake, is_session_level_scorer=True, call_signature="(session)", call_source="return len(session)")

    read = get_scorer(name="stored")

    assert read.is_session_level_scorer
    assert read.run(session=["one", "two"]) == 2
