"""The template filter for times."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from web.moments import shown

register = template.Library()


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """Return a time as HTML: the date, and how long ago it is."""
    return shown(at)
