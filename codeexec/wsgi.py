"""The WSGI application. Importing it starts nothing: codeexec/gunicorn.py starts the service in each worker."""

import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application


class TolerantWSGIRequest(WSGIRequest):
    """Ignores a Content-Type that Django cannot parse.

    Django looks up its charset before any exception handler is in place: `charset*=bogus''%41` (RFC 2231) would
    cause a 500 that is not in our form.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        try:
            super().__init__(environ)
        except ValueError:
            environ["CONTENT_TYPE"] = ""
            super().__init__(environ)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
application = get_wsgi_application()
application.request_class = TolerantWSGIRequest
