// A web page with an MCP client in it: the official SDK, as it runs in MCP Inspector's direct connection, in playgrounds and
// chat pages. It keeps what it must in session storage, and shows what it learns in <output>.
//
// The address says how: `?endpoint=…&sdk=1|2&way=redirect|popup`.

import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const v1 = { Client, StreamableHTTPClientTransport, UnauthorizedError };
const output = document.querySelector("output");
const callback = `${location.origin}/callback`;

const kept = {
  get: (name) => JSON.parse(sessionStorage.getItem(name) ?? "null") ?? undefined,
  set: (name, value) => sessionStorage.setItem(name, JSON.stringify(value)),
};

const provider = {
  redirectUrl: callback,
  clientMetadata: {
    client_name: "A page with a client",
    redirect_uris: [callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  state: () => {
    kept.set("state", crypto.randomUUID());
    return kept.get("state");
  },
  clientInformation: () => kept.get("client"),
  saveClientInformation: (client) => kept.set("client", client),
  tokens: () => kept.get("tokens"),
  saveTokens: (tokens) => kept.set("tokens", tokens),
  codeVerifier: () => kept.get("verifier"),
  saveCodeVerifier: (verifier) => kept.set("verifier", verifier),
  discoveryState: () => kept.get("discovery"),
  saveDiscoveryState: (discovery) => kept.set("discovery", discovery),
  invalidateCredentials: () => sessionStorage.removeItem("tokens"),
  redirectToAuthorization: (url) => {
    if (kept.get("way") === "popup") popup.location = url;
    else location.assign(url);
  },
};

let popup;

async function connect() {
  const sdk = kept.get("sdk") === "2" ? v2 : v1;
  const endpoint = new URL(kept.get("endpoint"));
  const transport = () => new sdk.StreamableHTTPClientTransport(endpoint, { authProvider: provider });
  const info = { name: "a page", version: "1" };
  const make = () => (sdk === v2 ? new v2.Client(info, { versionNegotiation: { mode: "auto" } }) : new v1.Client(info));
  const answer = kept.get("answer");
  if (!answer) {
    const refused = transport();
    await make().connect(refused).then(
      () => Promise.reject(new Error("let in without authorization")),
      (error) => (error instanceof sdk.UnauthorizedError ? undefined : Promise.reject(error)),
    );
    if (kept.get("way") !== "popup") return "Off to the authorization server."; // this page goes away
    kept.set("answer", await cameBack());
    return connect();
  }
  const parameters = new URLSearchParams(answer);
  if (parameters.get("state") !== kept.get("state")) throw new Error("another state came back");
  const connected = transport();
  await connected.finishAuth(sdk === v2 ? parameters : parameters.get("code"));
  const client = make();
  await client.connect(connected);
  const { tools } = await client.listTools();
  const { content } = await client.callTool({ name: "whoami", arguments: {} });
  return [connected.protocolVersion ?? client.getNegotiatedProtocolVersion?.(), tools.map((tool) => tool.name), content.map((part) => part.text)].flat().join("\n");
}

/** What the popup says when it is back on this origin; an error when the popup is gone before that. */
function cameBack() {
  return new Promise((resolve, reject) => {
    window.addEventListener("message", (event) => event.origin === location.origin && resolve(event.data));
    const watch = setInterval(() => {
      if (!popup.closed) return;
      clearInterval(watch);
      setTimeout(() => reject(new Error("the popup was closed, or cut off from this page")), 1_000);
    }, 200);
  });
}

const run = () => connect().then((text) => (output.value = text), (error) => (output.value = `failed: ${error.stack}`));

if (location.pathname === "/callback") {
  if (window.opener) {
    window.opener.postMessage(location.search, location.origin);
    window.close();
  } else {
    kept.set("answer", location.search);
    run();
  }
} else {
  sessionStorage.clear();
  for (const [name, value] of new URLSearchParams(location.search)) kept.set(name, value);
  document.querySelector("button").addEventListener("click", () => {
    if (kept.get("way") === "popup") popup = window.open("about:blank", "authorization", "width=600,height=800");
    run();
  });
}
