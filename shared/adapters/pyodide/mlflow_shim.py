"""What a scorer's code uses of MLflow, without MLflow: entities with the same names, arguments and attributes.

Executed once, when the interpreter's snapshot is made; `install` makes the modules importable.
"""

import dataclasses
import enum
import json
import sys
import types
from datetime import datetime


class AssessmentSourceType:
    SOURCE_TYPE_UNSPECIFIED = "SOURCE_TYPE_UNSPECIFIED"
    LLM_JUDGE = "LLM_JUDGE"
    AI_JUDGE = "LLM_JUDGE"
    HUMAN = "HUMAN"
    CODE = "CODE"


@dataclasses.dataclass
class AssessmentSource:
    source_type: str
    source_id: str | None = "default"


@dataclasses.dataclass
class AssessmentError:
    error_code: str
    error_message: str | None = None
    stack_trace: str | None = None


class Assessment:
    pass


class Feedback(Assessment):
    def __init__(
        self,
        name="feedback",
        value=None,
        error=None,
        source=None,
        trace_id=None,
        metadata=None,
        span_id=None,
        create_time_ms=None,
        last_update_time_ms=None,
        rationale=None,
        overrides=None,
        valid=True,
    ):
        if isinstance(error, Exception):
            error = AssessmentError(type(error).__name__, str(error))
        elif isinstance(error, str):
            error = AssessmentError("ASSESSMENT_ERROR", error)
        elif error is not None and not isinstance(error, AssessmentError):
            raise ValueError(f"'error' must be an Exception, AssessmentError, or string. Got: {type(error)}")
        self.name = name
        self.value = value
        self.error = error
        self.source = source or AssessmentSource(AssessmentSourceType.CODE)
        self.trace_id = trace_id
        self.metadata = metadata
        self.span_id = span_id
        self.create_time_ms = create_time_ms
        self.last_update_time_ms = last_update_time_ms
        self.rationale = rationale
        self.overrides = overrides
        self.valid = valid

    @property
    def feedback(self):
        return self


class CategoricalRating(str, enum.Enum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class SpanType:
    LLM = "LLM"
    CHAIN = "CHAIN"
    AGENT = "AGENT"
    TOOL = "TOOL"
    CHAT_MODEL = "CHAT_MODEL"
    RETRIEVER = "RETRIEVER"
    PARSER = "PARSER"
    EMBEDDING = "EMBEDDING"
    RERANKER = "RERANKER"
    MEMORY = "MEMORY"
    UNKNOWN = "UNKNOWN"
    WORKFLOW = "WORKFLOW"
    TASK = "TASK"
    GUARDRAIL = "GUARDRAIL"
    EVALUATOR = "EVALUATOR"


class SpanStatusCode(str, enum.Enum):
    UNSET = "UNSET"
    OK = "OK"
    ERROR = "ERROR"


class TraceState(str, enum.Enum):
    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"
    OK = "OK"
    ERROR = "ERROR"
    IN_PROGRESS = "IN_PROGRESS"


@dataclasses.dataclass
class SpanStatus:
    status_code: SpanStatusCode
    description: str = ""


@dataclasses.dataclass
class SpanEvent:
    name: str
    timestamp: int
    attributes: dict


class Span:
    def __init__(self, given, trace_id):
        self.trace_id = self.request_id = trace_id
        self.span_id = given["span_id"]
        self.parent_id = given["parent_id"]
        self.name = given["name"]
        self.span_type = given["span_type"]
        self.status = SpanStatus(SpanStatusCode(given["status"]["code"]), given["status"]["message"])
        self.start_time_ns = int(given["start_time_unix_nano"])
        self.end_time_ns = int(given["end_time_unix_nano"]) or None
        self.inputs = given["inputs"]
        self.outputs = given["outputs"]
        self.attributes = {
            **given["attributes"],
            **({"mlflow.spanInputs": self.inputs} if self.inputs is not None else {}),
            **({"mlflow.spanOutputs": self.outputs} if self.outputs is not None else {}),
        }
        self.events = [SpanEvent(e["name"], int(e["time_unix_nano"]), e["attributes"]) for e in given["events"]]

    def get_attribute(self, key):
        return self.attributes.get(key)

    def __repr__(self):
        return f"Span(name={self.name!r}, span_id={self.span_id!r}, parent_id={self.parent_id!r})"


class TraceData:
    def __init__(self, spans):
        self.spans = spans

    def _root(self):
        return next((span for span in self.spans if span.parent_id is None), None)

    @property
    def request(self):
        root = self._root()
        return None if root is None or root.inputs is None else json.dumps(root.inputs)

    @property
    def response(self):
        root = self._root()
        return None if root is None or root.outputs is None else json.dumps(root.outputs)


class TraceInfo:
    def __init__(self, given):
        self.trace_id = self.request_id = given["trace_id"]
        self.client_request_id = given.get("client_request_id")
        self.experiment_id = given["experiment_id"]
        self.request_time = self.timestamp_ms = given["timestamp_ms"]
        self.execution_duration = self.execution_time_ms = given["execution_duration_ms"]
        self.state = TraceState(given["state"])
        self.status = self.state
        self.request_preview = given.get("request_preview")
        self.response_preview = given.get("response_preview")
        self.trace_metadata = self.request_metadata = given["trace_metadata"]
        self.tags = given["tags"]
        self.assessments = []

    @property
    def token_usage(self):
        usage = self.trace_metadata.get("mlflow.trace.tokenUsage")
        return None if usage is None else json.loads(usage)

    @property
    def cost(self):
        cost = self.trace_metadata.get("mlflow.trace.cost")
        return None if cost is None else json.loads(cost)


class Trace:
    def __init__(self, given):
        self.info = TraceInfo(given["info"])
        self.data = TraceData([Span(span, self.info.trace_id) for span in given["data"]["spans"]])

    def search_spans(self, span_type=None, name=None, span_id=None):
        """As MLflow's: each argument narrows, a name may be a compiled pattern."""

        def matches(span):
            if span_type is not None and span.span_type != span_type:
                return False
            if span_id is not None and span.span_id != span_id:
                return False
            if name is None:
                return True
            return span.name == name if isinstance(name, str) else bool(name.search(span.name))

        return [span for span in self.data.spans if matches(span)]


def scorer(func=None, **_):
    """The decorator, for code that was written around one: gives the function back."""
    return func if func is not None else lambda decorated: decorated


entities = {
    each.__name__: each
    for each in (
        Assessment,
        AssessmentError,
        AssessmentSource,
        AssessmentSourceType,
        Feedback,
        Span,
        SpanEvent,
        SpanStatus,
        SpanStatusCode,
        SpanType,
        Trace,
        TraceData,
        TraceInfo,
        TraceState,
    )
}


def install():
    """Makes `import mlflow` and the like find these."""
    modules = {
        "mlflow": {},
        "mlflow.entities": entities,
        "mlflow.entities.assessment": entities,
        "mlflow.entities.assessment_source": entities,
        "mlflow.entities.assessment_error": entities,
        "mlflow.entities.span": entities,
        "mlflow.entities.trace": entities,
        "mlflow.genai": {"scorer": scorer},
        "mlflow.genai.judges": {"CategoricalRating": CategoricalRating},
        "mlflow.genai.scorers": {"scorer": scorer},
    }
    for name, members in modules.items():
        module = types.ModuleType(name, "What scorers use of MLflow, without MLflow.")
        module.__path__ = []
        module.__dict__.update(members)
        sys.modules[name] = module
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, module)
    return sys.modules["mlflow"]
