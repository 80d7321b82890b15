"""A rule: an error, how its message begins, a pattern for the line, and the hint or a function that chooses it."""

from __future__ import annotations

from collections.abc import Callable

Words = dict[str, str]
"""What is filled into a hint, by its name in braces; for who chooses it also the `line`, the whole `program`, and the
name of its `file`."""

Choice = Callable[[Words, BaseException, str], str | None]
"""Takes the matched words, the error and its line of code; returns the key of a hint, or None to try the next rule."""

Rule = tuple[type[BaseException], str, str, str | Choice]
