"""The keys as staff see them."""

import pytest
from django.test import Client

from apikeys.models import ApiKey
from tests.conftest import Page


def test_neither_token_nor_hash_is_ever_shown(page: Page, admin_client: Client) -> None:
    for path in ("/admin/apikeys/apikey/", f"/admin/apikeys/apikey/{page.key.pk}/change/"):
        content = admin_client.get(path).content.decode()
        assert page.key.name in content
        assert page.key.prefix in content
        assert page.key.token_hash not in content
        assert page.token not in content


def test_a_key_is_switched_off(page: Page, admin_client: Client) -> None:
    form = {"name": "Site", "origins": '["https://pylearn.net"]', "rate": "5/m"}  # without is_active: not ticked
    assert admin_client.post(f"/admin/apikeys/apikey/{page.key.pk}/change/", form).status_code == 302
    assert page.run().status_code == 403
    assert ApiKey.objects.get().rate == "5/m"


@pytest.mark.parametrize(
    ("field", "value"),
    [("origins", '["https://pylearn.net/"]'), ("origins", '"https://pylearn.net"'), ("origins", "[5]"), ("rate", "5")],
)
def test_what_makes_no_key_is_refused(page: Page, admin_client: Client, field: str, value: str) -> None:
    form = {"name": "Site", "origins": "[]", "rate": "5/m", field: value}
    assert admin_client.post(f"/admin/apikeys/apikey/{page.key.pk}/change/", form).status_code == 200
    assert ApiKey.objects.get().origins == ["https://pylearn.net"]


def test_a_form_makes_no_key(page: Page, admin_client: Client) -> None:
    assert admin_client.get("/admin/apikeys/apikey/add/").status_code == 403
