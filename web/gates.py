"""Middleware that refuses plain HTTP, hides the pages for staff, and keeps foreign scripts off our pages."""

from collections.abc import Awaitable, Callable

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from web.connection import client_address, is_in_networks
from web.error_body import error_body
from web.errors import not_found

PAGES = ("/admin/", "/docs/", "/playground/")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def refuse_plain_http(get_response: GetResponse) -> GetResponse:
    """Return middleware that refuses plain HTTP if HTTPS is on, except GET, which SecurityMiddleware redirects.

    A redirect of any other request would lose its body. It would also hide a mistake: the body and the key have
    already crossed the network unencrypted.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not settings.SECURE_SSL_REDIRECT or request.is_secure() or request.method in ("GET", "HEAD"):
            return get_response(request)
        return JsonResponse(error_body("Send this request over HTTPS.", "https_required"), status=403)

    return middleware


def hide_staff_pages(get_response: GetResponse) -> GetResponse:
    """Return middleware that answers 404 at the pages for staff, unless ADMIN_ALLOWED_IPS has the client's address."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        networks = tuple(settings.ADMIN_ALLOWED_IPS)
        if _is_for_staff(request.path_info) and not is_in_networks(client_address(request), networks):
            return not_found(request)
        return get_response(request)

    return middleware


def _is_for_staff(path: str) -> bool:
    return path.startswith("/admin/") or (path.startswith("/playground") and settings.PLAYGROUND != "public")


class PagePolicyMiddleware(CSPMiddleware):
    """Sends the Content-Security-Policy with pages only: it would lengthen the API's JSON responses for nothing."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path_info == "/" or request.path_info.startswith(PAGES):
            return super().__call__(request)
        return self.get_response(request)
