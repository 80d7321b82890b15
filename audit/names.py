"""Display names for audit entries, looked up on reading so that no name is stored: nobody could erase it from the log.

An app that has such names adds a function to `namers` in its `admin` module.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from auditlog.models import LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.urls import reverse
from django.utils.html import format_html

from web.visible_text import make_visible

Namer = Callable[[set[int]], Mapping[int, str]]

namers: dict[type[models.Model], Namer] = {}
"""By model, a function that returns the names of the rows with these ids. A deleted row has none."""


def person(user: User | None) -> str:
    """Return a member of staff by name and account."""
    if user is None:
        return ""
    name = user.get_full_name()
    return f"{name} ({user.get_username()})" if name else user.get_username()


def name_entries(entries: Iterable[LogEntry], reader: User | AnonymousUser) -> None:
    """Set the `subject` of each entry to HTML: the name of what it is about, with a link, if `reader` may view that.

    Makes one query for each model.
    """
    of_model: dict[type[models.Model], list[LogEntry]] = defaultdict(list)
    for entry in entries:
        entry.subject = make_visible(entry.object_repr)
        model = entry.content_type.model_class() if entry.content_type else None
        if model is not None and entry.object_id is not None:
            of_model[model].append(entry)
    for model, rows in of_model.items():
        meta = model._meta
        if model in namers and reader.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
            names = namers[model]({row.object_id for row in rows})
            for row in rows:
                if name := names.get(row.object_id):
                    row.subject = _link(meta.label_lower, row.object_id, name)


def _link(label: str, number: int, name: str) -> str:
    url = reverse(f"admin:{label.replace('.', '_')}_change", args=(number,))
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, make_visible(name))


def _names_of_staff(ids: set[int]) -> dict[int, str]:
    return {user.pk: person(user) for user in User.objects.filter(pk__in=ids)}


namers[User] = _names_of_staff
