"""An id for each request, in its response and in every log line about it."""

from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import clear_contextvars, get_contextvars


class RequestLogMiddleware(RequestMiddleware):
    """Logs each request that fails, without its query string: somebody will put a key there."""

    def prepare(self, request: HttpRequest) -> None:
        """Begin with no ids: the stream that this thread served before may have left some."""
        clear_contextvars()
        super().prepare(request)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return how the log names a request."""
        return f"{request.method} {request.path}"

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Add the id to the response, and log the request.

        A 503 of `/health` is not a failure of the request: health checks come every few seconds, first while the
        service starts, and what makes it unhealthy is logged once where it is found (executions/sandbox/keeper.py).
        """
        response["X-Request-ID"] = get_contextvars()["request_id"]
        if request.path_info == "/health" and response.status_code == 503:
            clear_contextvars()
        else:
            super().handle_response(request, response)
