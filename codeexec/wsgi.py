"""The WSGI application. Importing it starts nothing: codeexec/gunicorn.py starts the service in each worker."""

import os

from django.core.wsgi import get_wsgi_application

from codeexec.wsgi_request import AnyWSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "codeexec.settings")
application = get_wsgi_application()
application.request_class = AnyWSGIRequest
