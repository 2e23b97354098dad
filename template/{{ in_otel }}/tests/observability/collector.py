"""An OpenTelemetry collector: it keeps the spans that it gets over HTTP, or lets senders wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it arrived; its ids are in hexadecimal digits.

    Attributes:
        parent_id: of the span that caused it; empty if none did.
        service: the name of the service that sent it.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    service: str


class Collector:
    """A collector on a port of its own.

    Attributes:
        spans: what it has got, in no order.
        arrived: set once it has got some.
        answers: while it is not set, nobody gets an answer.
    """

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self.arrived = Event()
        self.answers = Event()
        self.answers.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.answers.wait()
                if self.path == "/v1/traces":
                    collector.keep(ExportTraceServiceRequest.FromString(body))
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def keep(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of a request."""
        for group in request.resource_spans:
            attributes = {each.key: each.value.string_value for each in group.resource.attributes}
            self.spans.extend(
                ReceivedSpan(
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    service=attributes["service.name"],
                )
                for scope in group.scope_spans
                for span in scope.spans
            )
        self.arrived.set()


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector while inside."""
    collector = Collector()
    thread = Thread(target=collector.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        collector.answers.set()
        collector.server.shutdown()
        collector.server.server_close()
        thread.join()
