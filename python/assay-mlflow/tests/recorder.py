"""A server that records what it is asked, and answers what a test gave it; and one that answers as Assay does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Answer = tuple[int, Any]
Handle = Callable[[Request], Answer]


@dataclass
class Recorder:
    """Routes are `METHOD /path`, or a path that ends with `*`."""

    routes: dict[str, Handle] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def answer(self, route: str, body: Any, status: int = 200) -> None:
        self.routes[route] = lambda _: (status, body)

    def asked(self, route: str) -> list[Request]:
        return [request for request in self.requests if str(request) == route]

    def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        for route, handle in self.routes.items():
            if str(request) == route or (route.endswith("*") and str(request).startswith(route[:-1])):
                return handle(request)
        return 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"{request} is not served here"}


class RecordingServer:
    def __init__(self, recorder: Recorder) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                parts = urlsplit(self.path)
                text = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = Request(
                    method=self.command,
                    path=parts.path,
                    query=parse_qs(parts.query),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=json.loads(text) if text and "json" in self.headers.get("content-type", "") else text,
                )
                status, body = recorder.handle(request)
                out = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        recorder.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
