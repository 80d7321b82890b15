"""The API documentation, for programs at `/openapi.json` and for people at `/docs/`. Both are public.

They show nothing internal: drf-spectacular reads serializers and descriptions written for it, not docstrings.
"""

import hashlib
import json
from functools import lru_cache

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

import web.openapi  # noqa: F401 (registers its extensions)


@lru_cache(maxsize=1)
def schema_json() -> bytes:
    """Return the schema. Cached, because it takes a tenth of a second to make."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    text = OpenApiJsonRenderer().render(schema, renderer_context={})
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False).encode()  # half as long


def _etag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(schema_json()).hexdigest()[:32]}"'


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_etag)
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Return the schema."""
    return HttpResponse(schema_json(), content_type="application/json")


@require_safe
@cache_control(public=True, max_age=300)
@csp_update({"img-src": ["'self'", "data:"]})  # the icons in Swagger UI's own style sheet
def api_docs(request: HttpRequest) -> HttpResponse:
    """Return the page that shows the schema."""
    return render(request, "docs.html")
