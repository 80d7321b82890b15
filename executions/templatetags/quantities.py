"""Template filters for readable quantities: 12,345 or 4.2 ms or 1 h 2 min."""

from django import template

register = template.Library()

NONE = "\N{EN DASH}"

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600


@register.filter
def count(number: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{number:,}"


@register.filter
def duration(seconds: float | str | None) -> str:
    """Return seconds in a suitable unit with two significant digits; a dash for None."""
    if seconds is None or isinstance(seconds, str):  # a template passes "" if a lookup fails
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
    """Return a share from 0 to 1 in percent; a dash for None.

    Only zero is shown as 0 %, and only the whole as 100 %.
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
    """Return a share from 0 to 1 as the width of a bar, at most 100%."""
    return f"{min(part, 1) * 100:.1f}%"


@register.filter
def words(name: str) -> str:
    """Return the name of a status in words."""
    return name.replace("_", " ")


@register.filter
def compared(now: int, before: int) -> str:
    """Compare `now` with `before`, in words."""
    if now == before:
        return "as many as"
    if before == 0:
        return f"{now:,} more than"
    change = abs(now - before) / before
    return f"{share(change)} {'more' if now > before else 'fewer'} than"
