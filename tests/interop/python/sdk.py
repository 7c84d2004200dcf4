"""The official SDK, version 1 or 2, as its own examples use it: python sdk.py URL [AUTH_METHOD]

Whatever is not said here is the SDK's default. It has no call for revocation: that request is made by hand, authenticated as the SDK
authenticates its own.
"""

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from importlib.metadata import version

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata
from person import answer, open_browser, said

MAJOR = int(version("mcp").split(".")[0])
URL = sys.argv[1]
METHOD = sys.argv[2] if len(sys.argv) > 2 else None

if MAJOR == 1:
    import httpx
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def connected(auth):
        async with httpx.AsyncClient(auth=auth, timeout=60) as http:
            async with streamable_http_client(URL, http_client=http) as (reading, writing, _):
                async with ClientSession(reading, writing) as session:
                    result = await session.initialize()
                    yield session, result.protocolVersion

    def structured(result):
        return result.structuredContent, result.isError

else:
    import httpx2 as httpx
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared.auth import AuthorizationCodeResult

    @asynccontextmanager
    async def connected(auth):
        async with httpx.AsyncClient(auth=auth, timeout=60) as http:
            async with Client(streamable_http_client(URL, http_client=http)) as client:
                yield client, client.session.protocol_version

    def structured(result):
        return result.structured_content, result.is_error


class Memory:
    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def redirected(url):
    open_browser(url)


async def called_back():
    got = await answer()
    if MAJOR == 1:
        return got["code"], got.get("state")
    return AuthorizationCodeResult(code=got["code"], state=got.get("state"), iss=got.get("iss"))


async def main():
    memory = Memory()
    metadata = {"client_name": "A Python client", "redirect_uris": ["http://127.0.0.1:3118/callback"]}
    if METHOD:
        metadata["token_endpoint_auth_method"] = METHOD
    auth = OAuthClientProvider(URL, OAuthClientMetadata(**metadata), memory, redirected, called_back)

    async with connected(auth) as (client, revision):
        said(f"connected {revision}")
        tools = (await client.list_tools()).tools
        assert any(tool.name == "whoami" for tool in tools), tools
        said("listed")
        result = await client.call_tool("whoami", {})
        data, failed = structured(result)
        assert not failed and data, result
        assert "ada@example.com" in result.content[0].text, result
        said("called")

        old = memory.tokens
        auth.context.token_expiry_time = time.time() - 1
        assert "ada@example.com" in (await client.call_tool("whoami", {})).content[0].text
        assert memory.tokens.access_token != old.access_token and memory.tokens.refresh_token != old.refresh_token
        said("refreshed")

    said(f"authenticates {memory.client.token_endpoint_auth_method}")
    data = {"token": memory.tokens.refresh_token, "client_id": memory.client.client_id}
    data, headers = auth.context.prepare_token_auth(data, {"content-type": "application/x-www-form-urlencoded"})
    async with httpx.AsyncClient() as http:
        revoked = await http.post(str(auth.context.oauth_metadata.revocation_endpoint), data=data, headers=headers)
        assert revoked.status_code == 200, (revoked.status_code, revoked.text)
        refused = await http.post(URL, json={}, headers={"authorization": f"Bearer {memory.tokens.access_token}"})
        assert refused.status_code == 401, refused.status_code
    said("revoked")


asyncio.run(main())
