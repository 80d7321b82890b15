"""What a suite reported about its methods, checked: its process could write anything."""

from executions.sandbox.results import METHOD_NOT_ENDED, METHOD_NOT_RUN, MethodResult
from guest import protocol, reports


def read_methods(report: bytes) -> tuple[MethodResult, ...]:
    """Return the methods that a suite named, and how each ended.

    It names all of them, in order; then they run one after another, and each ends once. A report that differs was not
    written by our code, so nothing in it counts.
    """
    try:
        found = reports.unpack_methods(report)
    except protocol.ProtocolError:
        return ()
    methods: list[MethodResult] = []
    running: int | None = None
    begun: set[int] = set()
    for number, what, text in found:
        if what == reports.METHOD_IS and number == len(methods) < reports.METHODS and not begun:
            methods.append(MethodResult(_text(text, reports.METHOD_CHARACTERS), False, METHOD_NOT_RUN))
        elif what == reports.METHOD_BEGAN and number < len(methods) and number not in begun and running is None:
            running = number
            begun.add(number)
            methods[number] = MethodResult(methods[number].name, False, METHOD_NOT_ENDED)
        elif what in (reports.METHOD_PASSED, reports.METHOD_FAILED) and number == running:
            running = None
            has_passed = what == reports.METHOD_PASSED
            message = "" if has_passed else _text(text, reports.METHOD_MESSAGE_CHARACTERS)
            methods[number] = MethodResult(methods[number].name, has_passed, message)
        else:
            return ()
    return tuple(methods)


def _text(text: str, most: int) -> str:
    return text[:most].replace("\0", "\ufffd")  # PostgreSQL cannot store NUL
