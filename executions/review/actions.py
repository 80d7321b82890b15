"""What staff can do about an execution: run it again, or suspend its learner, address or key.

Each action is recorded in the audit log.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from apikeys.suspensions import suspend_address, suspend_key, suspend_learner
from audit.events import record_event
from executions.models import Execution
from executions.running.backend import get_backend
from executions.running.service import run_again
from executions.sandbox.results import SandboxError
from staff.site import back

DURATIONS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "": None}


class SuspensionForm(forms.Form):
    """The reason of a suspension, and how long it lasts."""

    reason = forms.CharField(max_length=500)
    lasts = forms.ChoiceField(
        label="for",
        required=False,
        choices=[("1h", "1 hour"), ("1d", "1 day"), ("7d", "7 days"), ("", "until lifted")],
    )

    def ends(self) -> datetime | None:
        """Return when it ends, or None if it lasts until lifted."""
        duration = DURATIONS[self.cleaned_data["lasts"]]
        return None if duration is None else timezone.now() + duration


def staff_of(request: HttpRequest) -> User:
    """Return the member of staff who sent a request to the admin, which admits nobody else."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def rerun(request: HttpRequest, number: int) -> HttpResponse:
    """Run the stored program in a fresh container, and show what it did."""
    original = _execution(request, number, "executions.rerun_execution")
    record_event("execution_run_again", request=request, actor=staff_of(request), target=original)
    try:
        return HttpResponseRedirect(_page_of(run_again(original, staff_of(request), get_backend())))
    except SandboxError:
        messages.error(request, "The program could not be run: no container was free in time. Try again.")
        return HttpResponseRedirect(_page_of(original))


def _suspending(
    suspend: Callable[[Execution, SuspensionForm, User], str],
) -> Callable[[HttpRequest, int], HttpResponse]:
    """Return a view that calls `suspend`, which returns a message or, with nobody to suspend, raises ValueError."""

    def view(request: HttpRequest, number: int) -> HttpResponse:
        execution = _execution(request, number, "apikeys.add_suspension")
        form = SuspensionForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Give a reason of at most 500 characters.")
            return back(request, _page_of(execution))
        try:
            messages.success(request, suspend(execution, form, staff_of(request)))
        except ValueError as error:
            messages.error(request, str(error))
        return back(request, _page_of(execution))

    return view


def _learner(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.key is None or not execution.learner:
        raise ValueError("This execution has no learner.")
    if execution.has_claimed_learner:  # somebody else may have that name
        _address(execution, form, author)
        return "The learner is only claimed, so the address is blocked."
    suspend_learner(execution.key, execution.learner, form.cleaned_data["reason"], form.ends(), author)
    return "The learner is suspended."


def _address(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.client_address is None:
        raise ValueError("This execution has no address.")
    suspend_address(execution.client_address, form.cleaned_data["reason"], form.ends(), author)
    return "The address is blocked."


def _key(execution: Execution, form: SuspensionForm, author: User) -> str:
    if execution.key is None:
        raise ValueError("This execution has no key: staff ran it.")
    suspend_key(execution.key, form.cleaned_data["reason"], form.ends(), author)
    return "The key and the keys it was rotated into are suspended."


ACTIONS: dict[str, Callable[[HttpRequest, int], HttpResponse]] = {
    "run-again": rerun,
    "suspend-learner": _suspending(_learner),
    "block-address": _suspending(_address),
    "suspend-key": _suspending(_key),
}


def _execution(request: HttpRequest, number: int, permission: str) -> Execution:
    if not request.user.has_perms(("executions.view_execution", permission)):
        raise PermissionDenied
    return get_object_or_404(Execution.objects.select_related("key"), pk=number)


def _page_of(execution: Execution) -> str:
    return reverse("admin:executions_execution_change", args=(execution.pk,))
