"""`GET /health`: whether programs can be run. For monitors and proxies; needs no key."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from executions.cluster.messages import WorkerState
from executions.cluster.workers import MOST_SHOWN
from executions.running.backend import get_backend
from web.fields import ChoiceField
from web.openapi import FOR_ALL, errors, headers


class PoolSerializer(serializers.Serializer[Any]):
    """The containers."""

    idle = serializers.IntegerField(min_value=0, help_text="Containers that wait for a request.")
    in_use = serializers.IntegerField(min_value=0, help_text="Containers that run a program.")
    waiting = serializers.IntegerField(min_value=0, help_text="Requests that wait for a container.")


class WorkerSerializer(serializers.Serializer[Any]):
    """A worker. Its host is for staff only."""

    worker = serializers.CharField(help_text="The beginning of its name.")
    status = ChoiceField(
        choices=["ready", "unready", "leaving"], help_text="`leaving`: it finishes its programs and accepts no more."
    )
    slots = serializers.IntegerField(min_value=1, help_text="Programs that it runs at once if its processors are busy.")
    in_use = serializers.IntegerField(min_value=0, help_text="Containers that run a program.")
    idle = serializers.IntegerField(min_value=0, help_text="Containers that wait for a request.")
    waiting = serializers.IntegerField(min_value=0, help_text="Requests that wait for a container.")


class HealthSerializer(serializers.Serializer[Any]):
    """The state of the service."""

    status = ChoiceField(choices=["healthy", "degraded", "unhealthy"])
    docker = ChoiceField(choices=["connected", "unreachable"])
    database = ChoiceField(choices=["connected", "unreachable"], help_text="Whether it accepts records.")
    cache = ChoiceField(choices=["connected", "unreachable"], help_text="Whether it counts requests (Redis, if set).")
    disk = ChoiceField(choices=["ok", "full"], help_text="`full`: almost no space is left, so nothing runs.")
    pool = PoolSerializer()
    workers = WorkerSerializer(
        many=True, allow_null=True, help_text="The workers that are alive, 100 at most; null if programs run here."
    )


HEALTHY = {
    "status": "healthy",
    "docker": "connected",
    "database": "connected",
    "cache": "connected",
    "disk": "ok",
    "pool": {"idle": 4, "in_use": 0, "waiting": 0},
    "workers": None,
}
WORKERS = {"workers": [{"worker": "8f14e45f", "status": "ready", "slots": 8, "in_use": 1, "idle": 4, "waiting": 0}]}
UNHEALTHY = HEALTHY | {"status": "unhealthy", "database": "unreachable"}

EXAMPLES = [OpenApiExample("Healthy", HEALTHY), OpenApiExample("With a worker", HEALTHY | WORKERS)]

describe_health = extend_schema(
    operation_id="getHealth",
    tags=["Health"],
    summary="Check whether programs can be run",
    description="For monitors and proxies. It needs no key and responds immediately.",
    parameters=headers(limited=False),
    responses={
        200: OpenApiResponse(HealthSerializer, "Programs can be run safely.", EXAMPLES),
        **errors(*FOR_ALL),
        503: OpenApiResponse(
            HealthSerializer, "Programs cannot be run.", [OpenApiExample("Without the database", UNHEALTHY)]
        ),
    },
)


def describe(state: WorkerState) -> dict[str, Any]:
    """Return the public part of a worker's state."""
    health = state.health
    return {
        "worker": state.label,
        "status": state.status,
        "slots": state.slots,
        "in_use": health.in_use,
        "idle": health.idle,
        "waiting": health.waiting,
    }


class HealthView(APIView):
    """Answers with the state last seen in the background. Never blocks, not even on the database."""

    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("get", "head")

    @describe_health
    def get(self, request: Request) -> Response:
        """Return 200 if programs can run safely, else 503."""
        state = get_backend().health()
        find = get_backend().workers
        body = {
            "status": "unhealthy" if not state.ready else "degraded" if state.stuck else "healthy",
            "docker": state.engine,
            "database": state.database,
            "cache": state.cache,
            "disk": state.disk,
            "pool": {"idle": state.idle, "in_use": state.in_use, "waiting": state.waiting},
            "workers": None if find is None else [describe(each.state) for each in find()[:MOST_SHOWN]],
        }
        return Response(body, status=200 if state.ready else 503, headers={"Cache-Control": "no-store"})
