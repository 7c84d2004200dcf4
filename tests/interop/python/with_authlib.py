"""`authlib`'s OAuth2Session: python with_authlib.py CLIENT_ID CLIENT_SECRET METHOD METADATA_URL RESOURCE

Its default for a client with a secret is Basic; a public client says "none".
"""

import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from person import came_back, open_browser, said

CLIENT_ID, CLIENT_SECRET, METHOD, METADATA, RESOURCE = sys.argv[1:6]
metadata = requests.get(METADATA, timeout=60).json()
session = OAuth2Session(
    CLIENT_ID,
    CLIENT_SECRET or None,
    token_endpoint_auth_method=METHOD,
    revocation_endpoint_auth_method=METHOD,
    redirect_uri="http://127.0.0.1:3118/callback",
    scope="event:read org:read project:read team:read",
    code_challenge_method="S256",
)
verifier = "a-code-verifier-of-more-than-forty-three-characters"
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, resource=RESOURCE)
open_browser(url)
token = session.fetch_token(metadata["token_endpoint"], authorization_response=came_back(), state=state, code_verifier=verifier)
said("redeemed")


def listed():
    headers = {"accept": "application/json, text/event-stream"}
    return session.post(RESOURCE, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers, timeout=60)


assert "whoami" in listed().text
said("listed")
first = token["access_token"]
token = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
assert token["access_token"] != first
assert listed().status_code == 200
said("refreshed")
answer = session.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"], token_type_hint="refresh_token")
assert answer.status_code == 200, answer.text
assert listed().status_code == 401
said("revoked")
