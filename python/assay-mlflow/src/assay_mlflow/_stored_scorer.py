"""A registered `@scorer` function, read back."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict
from typing import Any


def create_stored_scorer(serialized: Any) -> Any:
    """The scorer that MLflow would build of a `SerializedScorer` with `call_source`, but for one thing: its code is not run by
    loading it. It is compiled when the scorer is called; whoever only lists, starts, updates and stops never executes it.
    """
    from mlflow.genai.scorers.base import Scorer, ScorerKind

    @functools.cache
    def function() -> Callable[..., Any]:
        return _compile(serialized)

    class StoredScorer(Scorer):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return function()(*args, **kwargs)

        @property
        def kind(self) -> ScorerKind:
            return ScorerKind.DECORATOR

        @property
        def is_session_level_scorer(self) -> bool:
            return bool(serialized.is_session_level_scorer)

    # MLflow passes a scorer what its signature names.
    StoredScorer.__call__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *_parameters(serialized.call_signature)]
    )
    # Fields that came after 3.9 (timeout, session_level) are passed where this MLflow has them.
    fields = {field: getattr(serialized, field, None) for field in Scorer.model_fields}
    scorer = StoredScorer(**fields)
    # What is sent when it is registered again.
    object.__setattr__(scorer, "_cached_dump", asdict(serialized))
    return scorer


def _compile(serialized: Any) -> Callable[..., Any]:
    from mlflow.exceptions import MlflowException
    from mlflow.genai.scorers.scorer_utils import recreate_function

    try:
        return recreate_function(serialized.call_source, serialized.call_signature, serialized.original_func_name)
    except Exception as error:
        raise MlflowException.invalid_parameter_value(
            f"the code of scorer '{serialized.name}', registered with MLflow {serialized.mlflow_version}, "
            f"cannot be compiled here: {error}"
        ) from error


def _parameters(signature: str) -> list[inspect.Parameter]:
    """The names in a signature, without evaluating its defaults and annotations. One that cannot be parsed takes anything:
    calling the scorer then says what is wrong with it."""
    try:
        definition = ast.parse(f"def function{signature}: pass").body[0]
    except SyntaxError:
        return [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)]
    assert isinstance(definition, ast.FunctionDef)
    arguments = definition.args
    return [
        inspect.Parameter(argument.arg, inspect.Parameter.KEYWORD_ONLY)
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    ]
