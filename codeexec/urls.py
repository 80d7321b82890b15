"""The URLs of the service."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from apikeys.views import TokensView
from codeexec.landing import landing
from codeexec.metrics import metrics
from executions.api.health import HealthView
from executions.api.views import BatchView, ExecuteView, ExecutionInputView, ExecutionsView, ExecutionView
from playground.views import playground, playground_token
from web.api_docs import api_docs, openapi_json

urlpatterns = [
    path("", landing, name="landing"),
    path("execute", ExecuteView.as_view(), name="execute"),
    path("executions", ExecutionsView.as_view(), name="executions"),
    path("executions/batch", BatchView.as_view(), name="batch"),
    path("executions/<uuid:id>", ExecutionView.as_view(), name="execution"),
    path("executions/<uuid:id>/input", ExecutionInputView.as_view(), name="execution-input"),
    path("tokens", TokensView.as_view(), name="tokens"),
    path("health", HealthView.as_view(), name="health"),
    path("openapi.json", openapi_json, name="openapi"),
    path("docs/", api_docs, name="docs"),
    path("docs", RedirectView.as_view(pattern_name="docs", permanent=True)),
    path("playground/", playground, name="playground"),
    path("playground/token", playground_token, name="playground-token"),
    path("playground", RedirectView.as_view(pattern_name="playground", permanent=True)),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
]

handler400 = "web.errors.bad_request"
handler403 = "web.errors.forbidden"
handler404 = "web.errors.not_found"
handler500 = "web.errors.server_error"
