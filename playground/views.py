"""The playground: a page to write and run programs on, and the tokens that the page runs them with."""

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apikeys import tokens
from playground.access import is_on, learner_of, may_open, playground_key
from web.error_body import error_body
from web.errors import forbidden, not_found

SWITCHED_OFF = "The playground is switched off."


@require_safe
@never_cache
@csp_update({"img-src": ["'self'", "data:"]})  # plots
def playground(request: HttpRequest) -> HttpResponse:
    """Return the page, or redirect to the login."""
    if not is_on():
        return not_found(request)
    if not may_open(request):
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    return render(request, "playground.html", {"is_public": settings.PLAYGROUND == "public"})


@require_POST
@never_cache
def playground_token(request: HttpRequest) -> JsonResponse:
    """Return a learner token that lasts some minutes. The page keeps it only in memory."""
    if not is_on():
        return not_found(request)
    if not may_open(request):
        return forbidden(request)
    key = playground_key()
    if not key.is_usable():
        return JsonResponse(error_body(SWITCHED_OFF, "forbidden"), status=403)
    lifetime_seconds = tokens.DEFAULT_LIFETIME_SECONDS
    token = tokens.mint_learner_token(key, learner_of(request), lifetime_seconds)
    return JsonResponse({"token": str(token), "lifetime_seconds": lifetime_seconds})
