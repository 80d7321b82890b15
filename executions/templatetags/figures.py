"""Figures as people read them: 12,345 and 4.2 ms and 1 h 2 min."""

from django import template

register = template.Library()

NONE = "\N{EN DASH}"

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600


@register.filter
def count(number: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{number:,}"


@register.filter
def duration(seconds: float | str | None) -> str:
    """Return seconds in the unit that suits them, with two digits that mean something; a dash for none."""
    if seconds is None or isinstance(seconds, str):  # a template gives "" where a lookup finds nothing
        return NONE
    milliseconds = seconds * 1000
    if milliseconds < 9.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < MINUTE_SECONDS - 0.5:
        return f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < HOUR_SECONDS:
        return f"{whole // MINUTE_SECONDS} min {whole % MINUTE_SECONDS} s"
    minutes = round(seconds / MINUTE_SECONDS)
    return f"{minutes // 60:,} h {minutes % 60} min"


@register.filter
def share(part: float | None) -> str:
    """Return a part of one in per cent, a dash for none.

    What is there at all is never called 0 %, and what is not all never 100 %.
    """
    if part is None:
        return NONE
    if 0 < part < 0.001:
        return "<0.1 %"
    if 0.999 < part < 1:
        return ">99.9 %"
    is_round = part in (0, 1) or 0.0995 <= part <= 0.9 or part > 1
    return f"{part * 100:.0f} %" if is_round else f"{part * 100:.1f} %"


@register.filter
def width(part: float) -> str:
    """Return a part of one as the width of a bar, which ends where its room does."""
    return f"{min(part, 1) * 100:.1f}%"


@register.filter
def words(name: str) -> str:
    """Return the name of a status as people write it."""
    return name.replace("_", " ")


@register.filter
def compared(now: int, before: int) -> str:
    """Return in words how `now` stands to what there was `before`."""
    if now == before:
        return "as many as"
    if before == 0:
        return f"{now:,} more than"
    change = abs(now - before) / before
    return f"{share(change)} {'more' if now > before else 'fewer'} than"
