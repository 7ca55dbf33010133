"""A small application, traced in the ways that people use: decorator, context manager, without context, and failing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mlflow
from mlflow.entities import SpanEvent

documents = [
    {"page_content": "Paris is the capital of France.", "metadata": {"doc_uri": "wiki/Paris"}, "id": "d1"},
    {"page_content": "Lyon is not.", "metadata": {"doc_uri": "wiki/Lyon", "score": 0.25, "tags": ["a", None]}, "id": "d2"},
]
usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


@dataclass
class Told:
    """A trace as it was told: its live spans say what must come back."""

    spans: list[Any] = field(default_factory=list)

    @property
    def trace_id(self) -> str:
        return self.spans[0].trace_id

    def keep(self) -> Any:
        span = mlflow.get_current_active_span()
        self.spans.append(span)
        return span


def ask(question: str, *, answer: str = "Paris 🗼", **about: Any) -> Told:
    """An agent with a retriever, a model and a tool; `about` goes to update_current_trace."""
    told = Told()

    @mlflow.trace(span_type="RETRIEVER")
    def retrieve(query: str):
        told.keep()
        return documents

    @mlflow.trace(name="weather", span_type="TOOL", attributes={"unit": "°C", "precise": True, "digits": 1.5})
    def weather(city: str, days: list):
        told.keep()
        return {"city": city, "days": days, "rain": None, "empty": {}, "none": []}

    @mlflow.trace(span_type="AGENT")
    def agent(question: str, options: dict):
        told.keep()
        if about:
            mlflow.update_current_trace(**about)
        found = retrieve(question)
        with mlflow.start_span("llm", span_type="CHAT_MODEL") as span:
            told.keep()
            span.set_inputs({"messages": [{"role": "user", "content": question}], "temperature": 0.5})
            span.set_attribute("mlflow.chat.tokenUsage", usage)
            span.set_attribute("mlflow.llm.model", "gpt-4o-mini")
            span.add_event(SpanEvent("first token", attributes={"after_ms": 12, "cached": False}))
            span.set_outputs({"choices": [{"message": {"role": "assistant", "content": answer}}]})
        weather("Paris", [1, 2.5, -3])
        return {"response": answer, "sources": len(found)}

    agent(question, {"k": 2, "deep": {"er": [True, None, "ü"]}})
    return told


def fail(question: str, **about: Any) -> Told:
    """An agent whose tool raises."""
    told = Told()

    @mlflow.trace(span_type="TOOL")
    def divide(by: int):
        told.keep()
        return 1 / by

    @mlflow.trace(name="failing agent", span_type="AGENT")
    def agent(question: str):
        told.keep()
        if about:
            mlflow.update_current_trace(**about)
        return divide(0)

    try:
        agent(question)
    except ZeroDivisionError:
        return told
    raise AssertionError("the agent did not fail")


def by_hand(name: str, **inputs: Any) -> Told:
    """A root and a child without context, as frameworks with callbacks make them."""
    root = mlflow.start_span_no_context(name, span_type="CHAIN", inputs=inputs, tags={"made": "by hand"})
    child = mlflow.start_span_no_context("step", span_type="PARSER", parent_span=root, inputs={"n": 1})
    child.set_outputs("ok")
    child.end()
    root.set_outputs({"answer": 42})
    root.end()
    return Told([root, child])


def flush() -> None:
    """Clients before 3.11 send as they go, and log a harmless error here."""
    mlflow.flush_trace_async_logging()
