"""Which addresses of a Redis are taken."""

import pytest
from environs import ValidationError

from codeexec.env import check_redis_url


@pytest.mark.parametrize("url", ["", "redis://cache:6379/0", "rediss://:secret@cache:6379", "unix:///run/redis.sock"])
def test_an_address_of_a_redis_is_taken(url: str) -> None:
    check_redis_url(url)


@pytest.mark.parametrize("url", ["cache", "http://cache:6379", "redis://", "redis://cache/x", "redis://a b"])
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="redis://host"):
        check_redis_url(url)
