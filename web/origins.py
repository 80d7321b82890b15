"""Origins, as a browser sends them: https://pylearn.net."""

import re

ORIGIN_PATTERN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


def check_origin(origin: str) -> None:
    """Raise ValueError for what a browser would never send as `Origin`: origins are compared letter by letter."""
    if not ORIGIN_PATTERN.fullmatch(origin):
        raise ValueError(f"{origin!r} is not an origin such as https://pylearn.net: scheme, host, port, no more")
    if origin.endswith({"http:": ":80", "https:": ":443"}[origin.partition("//")[0]]):
        raise ValueError(f"{origin!r}: browsers leave this port out, because it is the scheme's own")
