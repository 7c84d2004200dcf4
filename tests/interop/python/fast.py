"""`fastmcp` with its own OAuth: python fast.py URL

It listens on a loopback port for the browser by itself; only the browser is the test's.
"""

import asyncio
import sys
import time

from fastmcp import Client
from fastmcp.client.auth import OAuth
from person import open_browser, said

URL = sys.argv[1]


class Auth(OAuth):
    async def redirect_handler(self, authorization_url):
        open_browser(authorization_url)


async def main():
    auth = Auth(URL)
    async with Client(URL, auth=auth) as client:
        said("connected")
        assert any(tool.name == "whoami" for tool in await client.list_tools())
        said("listed")
        result = await client.call_tool("whoami", {})
        assert "ada@example.com" in result.content[0].text, result
        assert result.structured_content, result
        said("called")
        old = auth.context.current_tokens
        auth.context.token_expiry_time = time.time() - 1
        assert "ada@example.com" in (await client.call_tool("whoami", {})).content[0].text
        assert auth.context.current_tokens.access_token != old.access_token
        said("refreshed")


asyncio.run(main())
