"""The executions as staff see them: to read."""

from django.test import Client

from executions.models import Execution
from tests.conftest import Page


def test_an_execution_is_shown_and_cannot_be_changed(page: Page, admin_client: Client) -> None:
    page.run("print('<script>')")
    execution = Execution.objects.get()
    assert admin_client.get("/admin/executions/execution/").status_code == 200
    path = f"/admin/executions/execution/{execution.pk}"
    content = admin_client.get(f"{path}/change/").content.decode()
    assert "print(&#x27;&lt;script&gt;&#x27;)" in content
    assert 'name="code"' not in content
    assert admin_client.post(f"{path}/change/", {"code": "other"}).status_code == 403
    assert admin_client.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/executions/execution/add/").status_code == 403
    assert Execution.objects.get().code == "print('<script>')"
