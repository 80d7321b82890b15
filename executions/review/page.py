"""The page on which staff look at one execution."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from apikeys.suspension_badge import Badges, badges_for
from audit.events import record_event
from executions.models import Execution, Webhook
from executions.review.actions import SuspensionForm, staff_of
from executions.review.display import first_line, highlighted, telling_line
from executions.templatetags.quantities import words
from web.moments import shown
from web.visible_text import make_visible

RECENT = 10
SHARED = 1000  # all: the setting allows no more
SHARING = timedelta(minutes=11)
"""A container serves others for ten minutes: see `executions.sandbox.timing`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A test case and its result, as the page shows them."""

    name: str
    passed: bool
    status: str
    execution_time: float | None
    texts: tuple[tuple[str, str], ...]


def show(request: HttpRequest, number: str, site: dict[str, Any]) -> HttpResponse:
    """Show an execution, and record who viewed a learner's code. `site` is the context of all admin pages."""
    if not request.user.has_perm("executions.view_execution") or request.method not in ("GET", "HEAD"):
        raise PermissionDenied
    rows = Execution.objects.select_related("key", "staff", "repeats").prefetch_related("flags")
    execution = get_object_or_404(rows, pk=int(number) if number.isdecimal() and len(number) < 19 else 0)
    record_event("execution_opened", request=request, actor=staff_of(request), target=execution)
    context = {
        **site,
        "title": "Execution",
        "execution": execution,
        "status": status_badge(execution),
        "flags": flag_badges(execution),
        "learner": _filter_link("learner", execution.learner),
        "address": _filter_link("client_address", execution.client_address or ""),
        "badges": list(_badges(execution, badges_for(request.user))),
        "exercise": execution.exercise or "",
        "origin": make_visible(execution.origin),
        "code": highlighted(execution.code),
        "hint": _hint(execution),
        "texts": list(_texts(execution)),
        "verdicts": list(_verdicts(execution)),
        "recent": list(_recent(execution)),
        "webhook": Webhook.objects.filter(pk=execution.pk).first(),
        "form": SuspensionForm(),
        "may_run": request.user.has_perm("executions.rerun_execution"),
        "may_suspend": request.user.has_perm("apikeys.add_suspension"),
    }
    return TemplateResponse(request, "admin/executions/execution/review.html", context)


def status_badge(execution: Execution) -> str:
    """Return the status of an execution as HTML, with a class for its colour."""
    return format_html('<span class="status status-{}">{}</span>', execution.status, words(execution.status))


def flag_badges(execution: Execution) -> str:
    """Return the flags of an execution as HTML. Prefetch them for a list."""
    rows = ((flag.get_kind_display().lower(),) for flag in execution.flags.all())
    return format_html_join(" ", '<span class="flag">{}</span>', rows)


def who(execution: Execution, badges: Badges) -> tuple[str, ...]:
    """Return the learner and the address of an execution as HTML, each with the badge of a suspension."""
    address = _filter_link("client_address", execution.client_address or "")
    return (learner_link(execution), _learner_badge(execution, badges), address, _address_badge(execution, badges))


def learner_link(execution: Execution) -> str:
    """Return the learner as HTML, with a link to all their executions, and whether they are only claimed."""
    link = _filter_link("learner", execution.learner)
    return format_html("{} (claimed)", link) if execution.has_claimed_learner else link


def _filter_link(field: str, value: str) -> str:
    if not value:
        return ""
    url = reverse("admin:executions_execution_changelist", query={field: value})
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, make_visible(value))


def _badges(execution: Execution, badges: Badges) -> Iterator[tuple[str, str]]:
    """Yield whose suspension is in force, and its badge."""
    if badge := _learner_badge(execution, badges):
        yield "Learner", badge
    if badge := _address_badge(execution, badges):
        yield "Address", badge
    if execution.key is not None and (badge := badges.of_key(execution.key.family)):
        yield "Key", badge


def _learner_badge(execution: Execution, badges: Badges) -> str:
    """Return the badge of a proven learner. One that is only claimed is suspended by address."""
    key = execution.key
    is_proven = key is not None and key.proves_learners
    return badges.of_learner(key.family, execution.learner) if key is not None and is_proven else ""


def _address_badge(execution: Execution, badges: Badges) -> str:
    return badges.of_address(execution.client_address)


def _texts(execution: Execution) -> Iterator[tuple[str, str]]:
    named = {"Output": execution.output, "Error": execution.error, "Input": execution.input_data}
    return ((name, make_visible(text)) for name, text in named.items() if text)


def _hint(execution: Execution) -> str:
    """Return the hint or message that the learner got besides the traceback, as one line."""
    detail = execution.error_detail or {}
    file, line = detail.get("file"), detail.get("line")
    position = f"{file['name']}, line {file['line']}: " if file else f"Line {line}: " if line else ""
    return first_line(position + (detail.get("hint") or detail.get("message") or ""), longest=300)


def _verdicts(execution: Execution) -> Iterator[Verdict]:
    cases, results = execution.test_cases or [], execution.test_results or []
    for number, case in enumerate(cases):
        result = results[number] if number < len(results) else {}
        shown = {
            "Input": case.get("input"),
            "Stdin": case.get("stdin"),
            "Test code": case.get("code") or case.get("unittest"),
            "Expected": case.get("expected_output"),
            "Actual (truncated)" if result.get("truncated") else "Actual": result.get("actual_output"),
            "Difference": result.get("diff"),
            "Tests": _methods(result.get("methods") or []),
        }
        yield Verdict(
            make_visible(case.get("name") or f"Test {number + 1}") + (" (hidden)" if case.get("hidden") else ""),
            bool(result.get("passed")),
            str(result.get("status", "not run")),
            result.get("execution_time"),
            tuple((name, make_visible(text)) for name, text in shown.items() if text is not None),
        )


def _methods(methods: list[dict[str, Any]]) -> str | None:
    """Return a line for each method of a suite, None if there is none."""
    lines = (f"{'Passed' if each['passed'] else 'Failed'}: {each['name']}: {each['message']}" for each in methods)
    return "\n".join(line.removesuffix(": ") for line in lines) or None


def _recent(execution: Execution) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Yield other executions of this learner, of this address and in this container, latest first: URL, time, status
    and first line."""
    others = Execution.objects.exclude(pk=execution.pk).only("pk", "created", "status", "code", "error_detail")
    if execution.learner:
        yield (
            "this claimed learner" if execution.has_claimed_learner else "this learner",
            _rows(others.filter(learner=execution.learner, key=execution.key)),
        )
    if execution.client_address:
        yield "this address", _rows(others.filter(client_address=execution.client_address))
    if execution.container:
        # By the time, which has an index.
        near = others.filter(created__range=(execution.created - SHARING, execution.created + SHARING))
        yield "this container", _rows(near.filter(container=execution.container), most=SHARED)


def _rows(executions: QuerySet[Execution], most: int = RECENT) -> list[tuple[str, str, str, str]]:
    return [
        (
            reverse("admin:executions_execution_change", args=(each.pk,)),
            shown(each.created),
            status_badge(each),
            telling_line(each.code, (each.error_detail or {}).get("line")),
        )
        for each in executions.order_by("-pk")[:most]
    ]
