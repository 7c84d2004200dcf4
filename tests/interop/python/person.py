"""The person at the browser is the test that started this program: an address goes out, where the browser came back comes in."""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit


def open_browser(url: str) -> None:
    print(f"open {url}", flush=True)


def came_back() -> str:
    """The redirect URI with its parameters, as the person's browser was sent to it."""
    return sys.stdin.readline().strip()


async def answer() -> dict[str, str]:
    """The parameters of the redirect URI."""
    line = await asyncio.to_thread(came_back)
    return {name: values[0] for name, values in parse_qs(urlsplit(line).query).items()}


def said(what: str) -> None:
    """Tells the test that a step has succeeded."""
    print(f"step {what}", flush=True)
