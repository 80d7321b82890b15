"""Checks pages for accessibility barriers with axe-core."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
RUN = "() => axe.run({resultTypes: ['violations']}).then(results => results.violations)"
GRAVE = ("serious", "critical")
FADED = "document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())"
"""Ends the transitions of colours between light and dark."""


def barriers(page: Page) -> list[str]:
    """Return the serious and critical violations that axe finds on the page, in light and dark mode."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        page.evaluate(FADED)
        for violation in page.evaluate(RUN):
            if violation["impact"] in GRAVE:
                found += [f"{scheme}: {violation['id']}: {node['html']}" for node in violation["nodes"]]
    page.emulate_media(color_scheme="light")
    return found
