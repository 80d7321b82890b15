"""The API told to machines, `/openapi.json`, and to people, `/docs/`. Both are public: they tell of a public API.

(No more than docs/api.md and its pages do: the schema is made of serializers and of texts written for it, not of
docstrings.)
"""

import hashlib
from functools import lru_cache

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

import web.schema  # noqa: F401 (what it defines is found once it is imported)


@lru_cache(maxsize=1)
def schema_json() -> bytes:
    """Return the schema. Made once in a process: nobody may have us work for a tenth of a second with each request."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    text: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return text


def _etag(request: HttpRequest) -> str:
    return f'"{hashlib.sha256(schema_json()).hexdigest()[:32]}"'


@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_etag)
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Answer with the schema."""
    return HttpResponse(schema_json(), content_type="application/json")


@require_safe
@cache_control(public=True, max_age=300)
@csp_update({"img-src": ["'self'", "data:"]})  # the icons in Swagger UI's own style sheet
def api_docs(request: HttpRequest) -> HttpResponse:
    """Answer with the page that shows the schema."""
    return render(request, "docs.html")
