"""How often a key may be used: counted by django-ratelimit in the shared cache."""

from dataclasses import dataclass

from django_ratelimit.core import get_usage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from apikeys.models import ApiKey
from apikeys.rates import parse_rate
from codeexec.errors import ServiceUnavailable


@dataclass(frozen=True, slots=True)
class RateUsage:
    """What a key has used of its rate in the present window, as the RateLimit header fields tell it.

    (IETF draft-ietf-httpapi-ratelimit-headers-10.)
    """

    limit: int
    count: int
    window_seconds: int
    seconds_left: int

    def headers(self) -> dict[str, str]:
        """Return the header fields."""
        remaining = max(0, self.limit - self.count)
        return {
            "RateLimit": f'"key";r={remaining};t={self.seconds_left}',
            "RateLimit-Policy": f'"key";q={self.limit};w={self.window_seconds}',
        }


USAGE_ATTRIBUTE = "rate_usage"


def rate_headers(request: Request) -> dict[str, str]:
    """Return the RateLimit header fields for the answer to `request`, none if it was refused before it counted."""
    usage: RateUsage | None = getattr(request._request, USAGE_ATTRIBUTE, None)
    return {} if usage is None else usage.headers()


class KeyRateThrottle(BaseThrottle):
    """Counts every request of a key against its rate."""

    usage: RateUsage | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request; return whether it is within the rate. Raises ServiceUnavailable without a cache."""
        key = request.auth
        assert isinstance(key, ApiKey)  # noqa: S101 (authentication comes first)
        used = get_usage(
            request._request, group="execute", key=lambda group, request: str(key.pk), rate=key.rate, increment=True
        )
        limit, window_seconds = parse_rate(key.rate)
        if used is None or used["limit"] != limit:  # the cache did not answer: never unlimited
            raise ServiceUnavailable
        self.usage = RateUsage(limit, used["count"], window_seconds, max(1, used["time_left"]))
        setattr(request._request, USAGE_ATTRIBUTE, self.usage)
        return not used["should_limit"]

    def wait(self) -> float | None:
        """Return the seconds until the window ends."""
        return None if self.usage is None else float(self.usage.seconds_left)
