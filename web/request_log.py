"""Gives each request an id, which its answer and every line of the log about it carry."""

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import get_contextvars


class RequestLogMiddleware(RequestMiddleware):
    """Logs each request that fails, without its query: somebody will put a key there."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return what the log says of a request."""
        return f"{request.method} {request.path}"

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Put the id on the answer, and log."""
        response["X-Request-ID"] = get_contextvars()["request_id"]
        super().handle_response(request, response)
