"""`requests-oauthlib`: python with_requests_oauthlib.py CLIENT_ID CLIENT_SECRET METHOD METADATA_URL RESOURCE"""

import os
import sys

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback

import requests
from person import came_back, open_browser, said
from requests_oauthlib import OAuth2Session

CLIENT_ID, CLIENT_SECRET, METHOD, METADATA, RESOURCE = sys.argv[1:6]
metadata = requests.get(METADATA, timeout=60).json()
SCOPES = ["event:read", "org:read", "project:read", "team:read"]
session = OAuth2Session(CLIENT_ID, redirect_uri="http://127.0.0.1:3118/callback", scope=SCOPES, pkce="S256")
url, state = session.authorization_url(metadata["authorization_endpoint"], resource=RESOURCE)
open_browser(url)
# Without a word it sends a secret by Basic; `include_client_id` puts it, or a public client's id, into the form.
how = {
    "client_secret_basic": {"client_secret": CLIENT_SECRET},
    "client_secret_post": {"client_secret": CLIENT_SECRET, "include_client_id": True},
    "none": {"include_client_id": True},
}[METHOD]
token = session.fetch_token(metadata["token_endpoint"], authorization_response=came_back(), **how)
said("redeemed")


def listed():
    headers = {"accept": "application/json, text/event-stream"}
    return session.post(RESOURCE, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers, timeout=60)


assert "whoami" in listed().text
said("listed")
first = token["access_token"]
# It gives a refresh to the form alone, unless it is told of Basic.
basic = requests.auth.HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET) if METHOD == "client_secret_basic" else None
form = {"client_id": CLIENT_ID, **({"client_secret": CLIENT_SECRET} if METHOD == "client_secret_post" else {})}
token = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"], auth=basic, **form)
assert token["access_token"] != first
assert listed().status_code == 200
said("refreshed")
answer = requests.post(metadata["revocation_endpoint"], data={"token": token["refresh_token"], **form}, auth=basic, timeout=60)
assert answer.status_code == 200, answer.text
assert listed().status_code == 401
said("revoked")
