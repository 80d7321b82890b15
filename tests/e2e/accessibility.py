"""Checks pages for accessibility barriers with axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
FADED = "document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())"
"""Ends the transitions of colours between light and dark."""


def barriers(page: Page) -> list[str]:
    """Return the serious and critical violations that axe finds on the page, in light and dark mode."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.evaluate(FADED)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in GRAVE:
                found += [f"{scheme}: {violation['id']}: {node['html']}" for node in violation["nodes"]]
    page.emulate_media(color_scheme="light")
    return found
