"""`GET /health`: whether programs can be run. For monitors and proxies; needs no key."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from executions.executor import get_executor


class HealthView(APIView):
    """Answers from what the executor last saw; waits for nothing, not even for the database."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("get", "head")

    def get(self, request: Request) -> Response:
        """Say how we are: 200 when programs can be run safely, else 503."""
        state = get_executor().health()
        body = {
            "status": "healthy" if state.ready else "unhealthy",
            "docker": state.engine,
            "pool": {"idle": state.idle, "in_use": state.in_use, "waiting": state.waiting},
        }
        return Response(body, status=200 if state.ready else 503, headers={"Cache-Control": "no-store"})
