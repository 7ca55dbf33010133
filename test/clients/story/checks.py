"""Named checks. A check that fails says what was expected, where it stands, and what went over the wire meanwhile."""

from __future__ import annotations

import os
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from . import wire

here = Path(__file__).parent


@dataclass(frozen=True)
class Check:
    name: str
    run: Callable[[Any], None]
    since: tuple[int, ...]
    full: bool


@dataclass
class Chapter:
    """Checks that run in the order in which they are written; a later one may stand on an earlier one."""

    name: str
    checks: list[Check] = field(default_factory=list)
    # A variable of the environment, set where the server has what the chapter is about.
    needs: str | None = None

    def check(self, name: str, *, since: tuple[int, ...] = (3, 9), full: bool = False):
        """`since`: the first client that has what is checked. `full`: it needs more than mlflow-tracing."""

        def add(run: Callable[[Any], None]) -> Callable[[Any], None]:
            self.checks.append(Check(name, run, since, full))
            return run

        return add


def outcomes(chapter: Chapter, story: Any):
    for check in chapter.checks:
        reason = why_not(check, chapter, story)
        if reason is not None:
            yield {"chapter": chapter.name, "check": check.name, "outcome": "not for this client", "reason": reason}
            continue
        began = time.monotonic()
        wire.begin()
        outcome: dict[str, Any] = {"outcome": "passed"}
        try:
            check.run(story)
        except Exception as error:
            outcome = {"outcome": "failed", "error": describe(error), "where": where(error), "wire": wire.remarkable()}
        ms = round(1000 * (time.monotonic() - began))
        yield {"chapter": chapter.name, "check": check.name, "ms": ms, **outcome}


def why_not(check: Check, chapter: Chapter, story: Any) -> str | None:
    if chapter.needs is not None and chapter.needs not in os.environ:
        return f"needs {chapter.needs}"
    if story.version < check.since:
        return f"needs {'.'.join(map(str, check.since))}"
    return "not in mlflow-tracing" if check.full and story.is_tracing_only else None


def describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:3000]


def where(error: Exception) -> str:
    """The innermost line of ours, then the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(here)]
    shown = [ours[-1], frames[-1]] if ours and ours[-1] is not frames[-1] else frames[-1:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.line}" for frame in shown)


def equal(got: Any, wanted: Any, what: str = "value") -> None:
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {got!r}")


def contains(got: Any, part: Any, what: str = "value") -> None:
    if part not in got:
        raise AssertionError(f"{what}: expected {part!r} in {got!r}")


def raises(call: Callable[[], Any], *, code: str | None = None, text: str = "") -> Exception:
    """The error that `call` must raise, of MLflow's error code, with the text in its message."""
    try:
        answer = call()
    except Exception as error:
        if code is not None:
            equal(getattr(error, "error_code", None), code, f"error code of {error}")
        contains(str(error), text, "message")
        return error
    raise AssertionError(f"expected an error {code or ''} {text!r}, got {answer!r}")


def eventually(look: Callable[[], Any], *, seconds: float = 20, what: str = "") -> Any:
    """What `look` answers as soon as it raises nothing and answers something; its last error after that time."""
    until = time.monotonic() + seconds
    while True:
        try:
            found = look()
            if found:
                return found
            problem: Exception = AssertionError(f"{what or 'it'} did not come within {seconds} s: {found!r}")
        except Exception as error:
            problem = error
        if time.monotonic() > until:
            raise problem
        time.sleep(0.25)


def note(text: str) -> None:
    """Says what was measured to whoever runs the story."""
    print(f"story: {text}", file=sys.stderr, flush=True)
