"""What a browser may load and run on our pages: the content security policy of our pages."""

from collections.abc import Awaitable

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

PAGES = ("/admin/", "/docs/", "/playground/")


class PagePolicyMiddleware(CSPMiddleware):
    """Gives the policy to pages alone: on the JSON of the API it would only be longer."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve the request."""
        if request.path_info.startswith(PAGES):
            return super().__call__(request)
        return self.get_response(request)
