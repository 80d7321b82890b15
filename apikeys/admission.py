"""Who may not run programs, though their key may: learners and addresses that staff have suspended."""

from django.db.models import Q

from apikeys.client_address import address_block
from apikeys.models import ApiKey, active_suspensions


def is_shut_out(key: ApiKey, learner: str, address: str | None) -> bool:
    """Return whether staff have suspended this learner of the key's family, or this address for all keys."""
    found = Q(address=address_block(address)) if address else Q()
    if learner:
        found |= Q(learner=learner, key__family=key.family)
    return bool(found) and active_suspensions().filter(found).exists()
