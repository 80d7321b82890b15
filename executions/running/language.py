"""The language of messages for learners: docs/locales.md. English, except inside `speaking`."""

import gettext as catalogues
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from executions.request import Locale

DOMAIN = "learners"
DIRECTORY = Path(__file__).resolve().parent.parent / "locale"

TRANSLATIONS: dict[Locale, catalogues.NullTranslations] = {
    locale: catalogues.translation(DOMAIN, DIRECTORY, [locale], fallback=locale is Locale.EN) for locale in Locale
}

_current = ContextVar("translations", default=TRANSLATIONS[Locale.EN])


@contextmanager
def speaking(locale: Locale) -> Iterator[None]:
    """Let the block find its sentences in this language. It must not be left by a `yield`."""
    token = _current.set(TRANSLATIONS[locale])
    try:
        yield
    finally:
        _current.reset(token)


def gettext(sentence: str) -> str:
    """Return a sentence of ours in the learner's language."""
    return _current.get().gettext(sentence)


def ngettext(one: str, many: str, count: int) -> str:
    """Return the sentence for `count` things in the learner's language."""
    return _current.get().ngettext(one, many, count)


def gettext_noop(sentence: str) -> str:
    """Return a sentence as it is, which `gettext` gets later: so the catalogues have it."""
    return sentence
