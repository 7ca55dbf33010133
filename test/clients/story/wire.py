"""What goes over the wire, kept while a check runs: a failure then shows the requests and answers that made it."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import requests.adapters

kept = 2000
exchanges: list[dict[str, Any]] = []
routes: Counter[str] = Counter()
lock = threading.Lock()


def begin() -> None:
    with lock:
        exchanges.clear()


def remarkable() -> list[dict[str, Any]]:
    """The last refusals and the last exchanges at all."""
    with lock:
        refused = [exchange for exchange in exchanges if exchange["status"] >= 400][-3:]
        return refused + [exchange for exchange in exchanges[-3:] if exchange not in refused]


def watch() -> None:
    send = requests.adapters.HTTPAdapter.send

    def watched(self, request, **options):
        response = send(self, request, **options)
        exchange = {
            "request": f"{request.method} {request.path_url}"[:kept],
            "body": text(request.body),
            "status": response.status_code,
            "answer": "(streamed)" if options.get("stream") else text(response.content),
        }
        with lock:
            exchanges.append(exchange)
            routes[f"{request.method} {request.path_url.split('?')[0]}"] += 1
        return response

    requests.adapters.HTTPAdapter.send = watched


def text(body: Any) -> str:
    if body is None:
        return ""
    if isinstance(body, bytes):
        try:
            return body[:kept].decode()
        except UnicodeDecodeError:
            return f"({len(body)} bytes)"
    return str(body)[:kept]
