"""A place among the running, which a program that waits for a person leaves to others."""

from collections.abc import Callable


class Slot:
    """One that was left. `return_to_slot` waits for room, within bounds, and counts its program among the running."""

    def __init__(self, return_to_slot: Callable[[], None]) -> None:
        self._return_to_slot = return_to_slot
        self.is_held = False

    def take_back(self) -> None:
        """Have the slot again before the program goes on. Once is enough."""
        if not self.is_held:
            self._return_to_slot()
            self.is_held = True
