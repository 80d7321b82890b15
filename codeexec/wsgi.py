"""The WSGI application. Importing it starts the service: whatever serves it, and no management command, does."""

import os

from django.core.wsgi import get_wsgi_application

from codeexec.wsgi_request import AnyWSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
application = get_wsgi_application()
application.request_class = AnyWSGIRequest

from codeexec.start import start_service  # noqa: E402 (only after Django is set up)

start_service()
