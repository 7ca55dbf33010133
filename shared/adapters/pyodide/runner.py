"""Runs one scorer on one trace: the body, signature and name that MLflow's `@scorer` stores, rebuilt as MLflow rebuilds them.

Executed once, when the interpreter's snapshot is made, in one namespace with mlflow_shim.py.
"""

import ast
import __future__
import random
import traceback

mlflow = install()
# What scorers import most: the snapshot holds it already.
import collections, dataclasses, datetime, decimal, difflib, enum, functools, itertools, json, math, re, statistics, string, textwrap, typing, unicodedata  # noqa: E401,E402,F401

_loads, _dumps, _seed, _format = json.loads, json.dumps, random.seed, traceback.format_exception


class _InvalidResult(Exception):
    pass


def _parameters(signature):
    try:
        return ast.parse(f"def _f{signature}: pass").body[0].args
    except (SyntaxError, ValueError) as error:
        raise SyntaxError(f"invalid signature {signature!r}: {error}") from None


def _rebuild(source, signature, name):
    """mlflow/genai/scorers/scorer_utils.py, `recreate_function`: hints are deferred, what they name need not exist."""
    header = f"def {name}({ast.unparse(_parameters(signature))}):\n"
    body = "\n".join(f"    {line}" for line in source.split("\n")) if source.strip() else "    pass"
    common = ("Feedback", "Assessment", "AssessmentSource", "AssessmentError", "AssessmentSourceType", "Trace")
    namespace = {"mlflow": mlflow, "CategoricalRating": CategoricalRating, **{each: entities[each] for each in common}}
    local = {}
    exec(compile(header + body, "<scorer>", "exec", __future__.annotations.compiler_flag), namespace, local)
    return local[name]


def _arguments(signature, job):
    """Those of MLflow's four that the signature names."""
    args = _parameters(signature)
    names = {arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    given = {each: _loads(job[each]) for each in ("inputs", "outputs", "expectations") if each in names}
    if "trace" in names:
        given["trace"] = Trace(_loads(job["trace"]))
    return given


def _feedback(feedback):
    error = feedback.error
    return {
        **({"name": feedback.name} if feedback.name != "feedback" else {}),
        "value": feedback.value,
        "rationale": feedback.rationale,
        "span_id": feedback.span_id,
        "metadata": None if not feedback.metadata else {str(key): str(value) for key, value in feedback.metadata.items()},
        "error": None
        if error is None
        else {"error_code": error.error_code, "error_message": error.error_message, "stack_trace": error.stack_trace},
    }


def _plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Feedback):
        return _feedback(value)
    raise _InvalidResult(
        "a scorer returns a bool, an int, a float, a str, a Feedback or a list of them, not "
        f"{type(value).__name__}: put structured values into Feedback(value=…)"
    )


def _result(value):
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(member) for member in value]
    return _plain(value)


def _encode(value):
    try:
        return '{"returned":' + _dumps(_result(value), allow_nan=False) + "}"
    except MemoryError:
        raise
    except (_InvalidResult, ValueError, TypeError, RecursionError) as error:
        return _dumps({"invalid": str(error)[:2000]})


def _thrown(error):
    own = error.__traceback__
    while own is not None and own.tb_frame.f_code.co_filename != "<scorer>":
        own = own.tb_next
    stack = "".join(_format(type(error), error, own))[-10000:]
    return _dumps({"thrown": {"name": type(error).__name__, "message": str(error)[:2000], "stack": stack}})


def run(text):
    """Answers `{"returned": …}`, `{"invalid": …}`, `{"thrown": …}` or `{"memory": true}`."""
    job = _loads(text)
    _seed(job["seed"])
    try:
        scorer = _rebuild(job["source"], job["signature"], job["name"])
        return _encode(scorer(**_arguments(job["signature"], job)))
    except MemoryError:
        return '{"memory": true}'
    except BaseException as error:
        try:
            return _thrown(error)
        except BaseException:
            return '{"thrown": {"name": "Exception", "message": "", "stack": ""}}'


def seal():
    """The ways into JavaScript, and what only they need. The process around holds without this.

    Namespaces are emptied, not only taken out of sys.modules: `gc` finds them, and what they hold, the copies that the interpreter keeps for
    importing again among them.
    """
    import asyncio
    import gc
    import sys
    import time

    time.sleep, asyncio.run = time.sleep.__wrapped__, asyncio.run.__wrapped__
    asyncio.set_event_loop_policy(None)
    sys.meta_path[:] = [finder for finder in sys.meta_path if not _is_sealed(finder.__module__)]
    for name in (*filter(_is_sealed, list(sys.modules)), *_sealed):
        sys.modules[name] = None
    for found in gc.get_objects():
        if type(found) is dict and _is_sealed(found.get("__name__")):
            found.clear()
        elif type(found).__name__ in ("JsFinder", "JsLoader"):
            vars(found).clear()
        elif isinstance(found, type) and found.__name__ == "JsException":
            # Otherwise it makes an error of JavaScript's of any text. What is deleted is not inherited either.
            found.__new__ = None
            del found.__new__
    gc.collect()


def _is_sealed(name):
    return isinstance(name, str) and name.partition(".")[0] in _sealed


_sealed = ("js", "pyodide_js", "pyodide", "_pyodide", "_pyodide_core", "ctypes", "_ctypes")
