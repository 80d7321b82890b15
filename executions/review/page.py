"""The page on which staff look at one execution, and what they can do about it there. Each act is in the audit log."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from apikeys.suspensions import block_address, suspend_key, suspend_learner
from audit.events import record_event
from executions.models import Execution
from executions.review.display import first_line, highlighted, make_visible
from executions.review.forms import SuspensionForm
from executions.running.executor import get_executor
from executions.running.service import run_again
from executions.sandbox.results import SandboxError
from executions.templatetags.figures import words

RECENT = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """One test case as the page shows it."""

    name: str
    passed: bool
    status: str
    execution_time: float | None
    texts: tuple[tuple[str, str], ...]


def show(request: HttpRequest, number: str, site: dict[str, Any]) -> HttpResponse:
    """Show an execution, and record who has looked at a learner's code. `site` is the context of all admin pages."""
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
        "learner": make_visible(execution.learner),
        "origin": make_visible(execution.origin),
        "code": highlighted(execution.code),
        "told": _told(execution),
        "texts": list(_texts(execution)),
        "verdicts": list(_verdicts(execution)),
        "recent": list(_recent(execution)),
        "form": SuspensionForm(),
        "may_run": request.user.has_perm("executions.rerun_execution"),
        "may_suspend": request.user.has_perm("apikeys.add_suspension"),
    }
    return TemplateResponse(request, "admin/executions/execution/review.html", context)


def run_once_more(request: HttpRequest, number: int) -> HttpResponse:
    """Run the stored program in a fresh container, and show what it did."""
    original = _execution(request, number, "executions.rerun_execution")
    record_event("execution_run_again", request=request, actor=staff_of(request), target=original)
    try:
        return _page_of(run_again(original, staff_of(request), get_executor()))
    except SandboxError:
        messages.error(request, "It could not be run: no container came free in time. Nothing is lost; try again.")
        return _page_of(original)


def _suspending(whom: Callable[[Execution, SuspensionForm, User], str]) -> Callable[[HttpRequest, int], HttpResponse]:
    """Return the view that has `whom` shut somebody out, who raises ValueError if there is nobody, and tells it."""

    def view(request: HttpRequest, number: int) -> HttpResponse:
        execution = _execution(request, number, "apikeys.add_suspension")
        form = SuspensionForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Give a reason, of at most 500 characters.")
            return _page_of(execution)
        try:
            messages.success(request, whom(execution, form, staff_of(request)))
        except ValueError as error:
            messages.error(request, str(error))
        return _page_of(execution)

    return view


def _learner(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.key is None or not execution.learner:
        raise ValueError("No learner is named.")
    suspend_learner(execution.key, execution.learner, form.cleaned_data["reason"], form.ends(), author)
    return "The learner is suspended."


def _address(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.client_address is None:
        raise ValueError("The address is not known.")
    block_address(execution.client_address, form.cleaned_data["reason"], form.ends(), author)
    return "The address is blocked."


def _key(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.key is None:
        raise ValueError("Staff ran this, without a key.")
    suspend_key(execution.key, form.cleaned_data["reason"], form.ends(), author)
    return "The key is suspended, with those that it was rotated into."


ACTIONS: dict[str, Callable[[HttpRequest, int], HttpResponse]] = {
    "run-again": run_once_more,
    "suspend-learner": _suspending(_learner),
    "block-address": _suspending(_address),
    "suspend-key": _suspending(_key),
}


def staff_of(request: HttpRequest) -> User:
    """Return who sends a request to the admin, which lets in staff alone."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def status_badge(execution: Execution) -> str:
    """Return how an execution ended, with a class for its colour."""
    return format_html('<span class="status status-{}">{}</span>', execution.status, words(execution.status))


def flag_badges(execution: Execution) -> str:
    """Return the flags of an execution, whose rows should be at hand."""
    rows = ((flag.get_kind_display().lower(),) for flag in execution.flags.all())
    return format_html_join(" ", '<span class="flag">{}</span>', rows)


def _execution(request: HttpRequest, number: int, permission: str) -> Execution:
    if not request.user.has_perms(("executions.view_execution", permission)):
        raise PermissionDenied
    return get_object_or_404(Execution.objects.select_related("key"), pk=number)


def _page_of(execution: Execution) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:executions_execution_change", args=(execution.pk,)))


def _texts(execution: Execution) -> Iterator[tuple[str, str]]:
    named = {"Output": execution.output, "Error": execution.error, "Input": execution.input_data}
    return ((name, make_visible(text)) for name, text in named.items() if text)


def _told(execution: Execution) -> str:
    """Return in one line what the learner was told of an error, besides the traceback."""
    detail = execution.error_detail or {}
    place = f"Line {detail['line']}: " if detail.get("line") else ""
    return first_line(place + (detail.get("hint") or detail.get("message") or ""), longest=300)


def _verdicts(execution: Execution) -> Iterator[Verdict]:
    cases, results = execution.test_cases or [], execution.test_results or []
    for number, case in enumerate(cases):
        result = results[number] if number < len(results) else {}
        shown = {
            "Input": case.get("input"),
            "Stdin": case.get("stdin"),
            "Test code": case.get("code"),
            "Expected": case.get("expected_output"),
            "Actual, cut" if result.get("truncated") else "Actual": result.get("actual_output"),
            "Difference": result.get("diff"),
        }
        yield Verdict(
            make_visible(case.get("name") or f"Test {number + 1}") + (" (hidden)" if case.get("hidden") else ""),
            bool(result.get("passed")),
            str(result.get("status", "not run")),
            result.get("execution_time"),
            tuple((name, make_visible(text)) for name, text in shown.items() if text is not None),
        )


def _recent(execution: Execution) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Yield what else this learner and this address ran of late: address of the page, time and status, first line."""
    others = Execution.objects.exclude(pk=execution.pk).only("pk", "created", "status", "code")
    if execution.learner:
        yield "this learner", _rows(others.filter(learner=execution.learner, key=execution.key))
    if execution.client_address:
        yield "this address", _rows(others.filter(client_address=execution.client_address))


def _rows(executions: QuerySet[Execution]) -> list[tuple[str, str, str, str]]:
    return [
        (
            reverse("admin:executions_execution_change", args=(each.pk,)),
            f"{each.created:%Y-%m-%d %H:%M:%S}",
            status_badge(each),
            first_line(each.code),
        )
        for each in executions.order_by("-pk")[:RECENT]
    ]
