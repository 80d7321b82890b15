"""`manage.py create_key`."""

import pytest
from django.core.management import CommandError, call_command

from apikeys import tokens
from apikeys.models import ApiKey
from tests.conftest import ORIGIN, Page


@pytest.mark.parametrize("kind", ["publishable", "secret"])
def test_the_token_is_the_last_line_and_works(page: Page, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    call_command("create_key", "New site", "--kind", kind, "--origin", ORIGIN, "--origin", "http://localhost:3000")
    token = capsys.readouterr().out.splitlines()[-1]
    assert tokens.is_well_formed(token)
    key = ApiKey.objects.get(name="New site")
    assert (key.kind, key.origins, key.is_active) == (kind, [ORIGIN, "http://localhost:3000"], True)
    assert page.post({"code": "1"}, x_api_key=token).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["Site", "--kind", "publishable"], "origins: A publishable key works only from its origins"),
        (["Site"], "--kind"),
        (["Site", "--kind", "public"], "invalid choice"),
        (["", "--kind", "secret"], "blank"),
        (["x" * 101, "--kind", "secret"], "at most 100 characters"),
        *(
            (["Site", "--kind", "secret", "--origin", origin], "origin")
            for origin in (
                "pylearn.net",
                "https://pylearn.net/",
                "https://pylearn.net/path",
                "https://*.pylearn.net",
                "https://PYLEARN.net",
                "ftp://pylearn.net",
                "null",
                "*",
                "",
                "https://user@pylearn.net",
                "https://pylearn.net?x",
                "https://pylearn.net:123456",
            )
        ),
        (["Site", "--kind", "secret", "--origin", "https://pylearn.net:443"], "leave out the port"),
        (["Site", "--kind", "secret", "--origin", "http://pylearn.net:80"], "leave out the port"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_an_invalid_key_is_refused_with_the_reason(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("create_key", *arguments)
    assert not ApiKey.objects.exists()
