"""When Python looks for garbage: not while a process loads what stays until its end, and never in that."""

import gc


def put_off_collection() -> None:
    """Collect no garbage until `begin_collection`."""
    gc.disable()


def begin_collection() -> None:
    """Collect garbage from now on, in all but what is loaded now: that stays."""
    gc.collect()
    gc.freeze()
    gc.enable()
