"""What keeps somebody out of a page, as far as axe-core can tell."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
FADED = "document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())"
"""Colours on their way from light to dark are at its end."""


def barriers(page: Page) -> list[str]:
    """Return what axe finds on the page, in light and in dark, that is serious or critical."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.evaluate(FADED)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in GRAVE:
                found += [f"{scheme}: {violation['id']}: {node['html']}" for node in violation["nodes"]]
    page.emulate_media(color_scheme="light")
    return found
