"""Exports spans with the OpenTelemetry SDK, which the environment alone configures, and prints what must arrive."""

import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status, StatusCode

exported = []


def keep(span, name, parent, attributes, status="UNSET"):
    context = span.get_span_context()
    exported.append(
        {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "parent_span_id": parent,
            "name": name,
            "attributes": attributes,
            "status": status,
        }
    )
    return exported[-1]["span_id"]


provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("suite")

about = {"session.id": "otel session", "user.id": "otel user", "text": "ünï 🗼", "count": 3, "ratio": 0.5, "flag": True, "list": ["a", "b"]}
with tracer.start_as_current_span("agent", attributes=about) as root:
    root_id = keep(root, "agent", None, about)
    asked = {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50}
    with tracer.start_as_current_span("llm", attributes=asked, links=[Link(root.get_span_context())]) as llm:
        keep(llm, "llm", root_id, asked)
        llm.add_event("first token", {"after_ms": 12})
    with tracer.start_as_current_span("tool") as tool:
        keep(tool, "tool", root_id, {}, "ERROR")
        tool.set_status(Status(StatusCode.ERROR, "no such city"))
    for n in range(600):
        with tracer.start_as_current_span("step", attributes={"n": n}) as step:
            keep(step, "step", root_id, {"n": n})

sent = provider.force_flush()
provider.shutdown()
json.dump({"sent": sent, "spans": exported}, sys.stdout)
