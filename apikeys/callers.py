"""Who sends a request: the holder of a key, for a learner or for themselves."""

from dataclasses import dataclass

from rest_framework.request import Request

from apikeys.models import ApiKey
from web.client_address import address_block


@dataclass(frozen=True, slots=True)
class Caller:
    """What stands in place of a user. `learner` is the one that a learner token is bound to, None without a token."""

    key: ApiKey
    learner: str | None = None

    is_authenticated = True

    @property
    def is_server(self) -> bool:
        """Whether this is a server of the site, which holds the secret key itself."""
        return self.key.kind == ApiKey.Kind.SECRET and self.learner is None

    def who(self, claimed_learner: str, address: str | None) -> str:
        """Return under which name use is counted: that of the learner, if we can believe it, else of the address.

        A server knows its learners, and a token is bound to one. A page can claim to be another learner each time.
        """
        learner = claimed_learner if self.is_server else self.learner
        return f"learner:{learner}" if learner else f"address:{address_block(address) if address else 'unknown'}"


def caller_of(request: Request) -> Caller:
    """Return who sends `request`, which has been authenticated."""
    caller = request.user
    assert isinstance(caller, Caller)  # noqa: S101 (by ApiKeyAuthentication)
    return caller
