"""Times are shown as dates in ISO 8601, and as how long ago they are."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from web.moments import ago, shown

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(hours=48), "2 days ago"),
        (timedelta(hours=-2), "in 2 h"),
    ],
)
def test_a_distance_is_one_number_and_its_unit(distance: timedelta, words: str) -> None:
    assert ago(NOW - distance, NOW) == words


def test_a_time_is_a_date_and_a_distance() -> None:
    moment = timezone.now() - timedelta(hours=3)
    html = shown(moment)
    assert f"{moment:%Y-%m-%d %H:%M:%S}" in html
    assert "3 h ago" in html
    assert shown(None) == "never"
