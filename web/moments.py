"""Times as staff read them: the date in ISO 8601, and how long ago that is."""

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

STEPS = ((60, 1, "s"), (60 * 60, 60, "min"), (48 * 60 * 60, 60 * 60, "h"))
"""For each unit: up to how many seconds it is used, its length in seconds, and its name."""
DAY_SECONDS = 24 * 60 * 60
UNREADY_RETRY_SECONDS = 10
"""When to try again while nothing can run: nobody knows how long that is, and a sandbox looks again so often."""


def ago(moment: datetime, now: datetime) -> str:
    """Return the distance of `moment` from `now` in words, such as `5 min ago` or `in 2 h`."""
    seconds = (now - moment).total_seconds()
    distance = abs(seconds)
    length, unit = next(
        ((length, unit) for below, length, unit in STEPS if distance < below),
        (DAY_SECONDS, "days"),
    )
    words = f"{distance // length:.0f} {unit}"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def shown(moment: datetime | None, none: str = "never") -> SafeString | str:
    """Return a time in UTC as HTML, with how long ago it is; `none` if there is none."""
    if moment is None:
        return none
    return format_html(
        '<time datetime="{}">{} <span class="ago">{}</span></time>',
        moment.isoformat(timespec="seconds"),
        f"{moment:%Y-%m-%d %H:%M:%S}",
        ago(moment, timezone.now()),
    )
