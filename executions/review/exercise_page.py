"""The pages on which teachers see the exercises: a list of them, and what the attempts at each have in common."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from audit.events import record_event
from executions.bounds import EXERCISE_CHARACTERS
from executions.review.actions import staff_of
from executions.review.exercises import SHOWN_EXERCISES, exercises, figures_of


def show_list(request: HttpRequest, site: dict[str, Any]) -> HttpResponse:
    """Show the exercises. `site` is the context of all admin pages."""
    _admit(request)
    beginning = request.GET.get("q", "").replace("\0", "").strip()[:EXERCISE_CHARACTERS]
    found = exercises(beginning)
    context = {
        **site,
        "title": "Exercises",
        "beginning": beginning,
        "exercises": found[:SHOWN_EXERCISES],
        "are_more": len(found) > SHOWN_EXERCISES,
    }
    return TemplateResponse(request, "admin/executions/attempt/list.html", context)


def show(request: HttpRequest, exercise: str, site: dict[str, Any]) -> HttpResponse:
    """Show an exercise, and record who viewed which learners' code. `site` is the context of all admin pages."""
    _admit(request)
    figures = figures_of(exercise.replace("\0", ""))
    # Only the number: nobody could erase the client's name for the exercise.
    if examples := [shape.group.execution_id for shape in figures.shapes]:
        record_event("exercise_opened", request=request, actor=staff_of(request), details={"executions": examples})
    context = {**site, "title": f"Exercise {exercise}", "exercise": exercise, "figures": figures}
    return TemplateResponse(request, "admin/executions/attempt/exercise.html", context)


def _admit(request: HttpRequest) -> None:
    if not request.user.has_perm("executions.view_attempt"):
        raise PermissionDenied
