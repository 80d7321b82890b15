"""The badge that marks suspended learners, addresses and keys: until when, why, and a button that lifts it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apikeys.models import Suspension, active_suspensions
from web.connection import address_block
from web.moments import shown
from web.visible_text import make_visible

LIFT = "apikeys.change_suspension"
"""The permission to lift."""


@dataclass(frozen=True, slots=True)
class Badges:
    """The badges of all suspensions in force, for one page and one member of staff. Each is "" for the others."""

    suspensions: Mapping[tuple[UUID | None, str, str | None], Suspension]
    may_lift: bool

    def of_key(self, family: UUID) -> SafeString:
        """Return the badge of a family of keys."""
        return self._badge((family, "", None))

    def of_learner(self, family: UUID, learner: str) -> SafeString:
        """Return the badge of a learner that a server names or a token proves."""
        return self._badge((family, learner, None)) if learner else SafeString()

    def of_address(self, address: str | None) -> SafeString:
        """Return the badge of an address."""
        return self._badge((None, "", address_block(address))) if address else SafeString()

    def of(self, suspension: Suspension) -> SafeString:
        """Return the badge of a suspension."""
        reason = make_visible(suspension.reason)
        until = shown(suspension.ends, "lifted")
        button: SafeString | str = ""
        if self.may_lift:
            url = reverse("admin:apikeys_suspension_lift", args=(suspension.pk,))
            button = format_html(
                ' <button class="lift" form="lift" formaction="{}" aria-label="Lift suspension of {}">Lift</button>',
                url,
                name_of(suspension),
            )
        return format_html(
            '<span class="suspended"><b>suspended</b> until {}: <bdi>{}</bdi>{}</span>', until, reason, button
        )

    def _badge(self, subject: tuple[UUID | None, str, str | None]) -> SafeString:
        suspension = self.suspensions.get(subject)
        return SafeString() if suspension is None else self.of(suspension)


def name_of(suspension: Suspension) -> str:
    """Return who is suspended, with the learner's id. The audit log must not contain this."""
    learner = make_visible(suspension.learner)
    return f"learner {learner} of {suspension.key}" if learner else str(suspension)


def badges_for(user: User | AnonymousUser, suspensions: Iterable[Suspension] | None = None) -> Badges:
    """Return the badges that `user` may see, in one query."""
    may_see = user.has_perm("apikeys.view_suspension")
    found = active_suspensions().select_related("key") if suspensions is None else suspensions
    # The one that lasts longest counts: the newest of them comes last.
    lasting = sorted(found, key=lambda each: (each.ends is None, each.ends, each.pk)) if may_see else ()
    subjects = {(each.key.family if each.key else None, each.learner, each.address): each for each in lasting}
    return Badges(subjects, user.has_perm(LIFT))
