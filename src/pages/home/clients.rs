//! How each well-known MCP client takes this server: commands, files and deep links, all built from its address.
//!
//! A client is here when its own documentation says how it takes a remote server that asks for OAuth; `docs` is that page.
//! The address may hold whatever a host name may: it is quoted for each place that it stands in.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What clients call the server: what sentry-mcp's documentation has people type, so that its examples hold here.
pub(crate) const SERVER: &str = "sentry";

/// What a component of a URL has to have encoded (RFC 3986 §2.3).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands for a person's own Sentry token.
const TOKEN: &str = "Sentry-Bearer YOUR_SENTRY_TOKEN";

/// One client.
pub(crate) struct Client {
    /// The anchor.
    pub(crate) id: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// What to do first; backticks mark what stands as it is.
    pub(crate) how: &'static str,
    /// Where one press is enough.
    pub(crate) link: Option<Link>,
    /// What to type or to put in a file.
    pub(crate) snippets: Vec<Snippet>,
    /// What to do after that; empty when it goes on by itself.
    pub(crate) then: &'static str,
    /// Its documentation of this.
    pub(crate) docs: &'static str,
}

/// A link that opens the client.
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) href: String,
}

/// A text to copy.
pub(crate) struct Snippet {
    /// Where it goes: a place or a file's name.
    pub(crate) place: &'static str,
    /// What it is written in, as Markdown calls it.
    pub(crate) language: &'static str,
    pub(crate) text: String,
}

fn shell(place: &'static str, words: &[&str]) -> Snippet {
    let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    Snippet { place, language: "sh", text: words.join(" ") }
}

fn file(place: &'static str, content: &Value) -> Snippet {
    Snippet { place, language: "json", text: format!("{content:#}") }
}

/// The clients that a person lets in through the browser, for the server at `url`.
pub(crate) fn by_consent(url: &str) -> Vec<Client> {
    let remote = json!({ "type": "http", "url": url });
    let add = ["mcp", "add", "--transport", "http", SERVER, url];
    vec![
        Client {
            id: "claude-code",
            name: "Claude Code",
            how: "Add `--scope user` before the name to have it in every project.",
            link: None,
            snippets: vec![shell("In a terminal", &[&["claude"], &add[..]].concat())],
            then: "Then type `/mcp` in a session, choose the server, and authenticate.",
            docs: "https://code.claude.com/docs/en/mcp",
        },
        Client {
            id: "claude",
            name: "Claude on the web and desktop",
            how: "Under Customize, Connectors, choose “Add custom connector” and give it this address. Claude calls it from \
                  Anthropic’s servers, so it must be reachable from the Internet.",
            link: Some(Link {
                label: "Open Claude’s connectors",
                href: "https://claude.ai/customize/connectors".to_owned(),
            }),
            snippets: vec![Snippet { place: "Address", language: "text", text: url.to_owned() }],
            then: "Then press “Connect” beside it.",
            docs: "https://support.claude.com/en/articles/11175166-getting-started-with-custom-connectors-using-remote-mcp",
        },
        Client {
            id: "cursor",
            name: "Cursor",
            how: "",
            link: Some(Link { label: "Add to Cursor", href: cursor_link(url) }),
            snippets: vec![file("~/.cursor/mcp.json", &json!({ "mcpServers": { SERVER: { "url": url } } }))],
            then: "",
            docs: "https://cursor.com/docs/mcp/install-links",
        },
        Client {
            id: "vscode",
            name: "VS Code",
            how: "",
            link: Some(Link { label: "Add to VS Code", href: vscode_link(url) }),
            snippets: vec![
                shell("In a terminal", &["code", "--add-mcp", &named(url).to_string()]),
                file(".vscode/mcp.json", &json!({ "servers": { SERVER: remote } })),
            ],
            then: "",
            docs: "https://code.visualstudio.com/docs/copilot/guides/mcp-developer-guide",
        },
        Client {
            id: "codex",
            name: "Codex",
            how: "The command line, the editor extension and the app share one configuration.",
            link: None,
            snippets: vec![
                Snippet {
                    place: "In a terminal",
                    language: "sh",
                    text: format!("codex mcp add {SERVER} --url {}\ncodex mcp login {SERVER}", shell_word(url)),
                },
                Snippet {
                    place: "~/.codex/config.toml",
                    language: "toml",
                    // A JSON string of printable characters is a TOML string.
                    text: format!("[mcp_servers.{SERVER}]\nurl = {}", json!(url)),
                },
            ],
            then: "",
            docs: "https://learn.chatgpt.com/docs/extend/mcp",
        },
        Client {
            id: "gemini-cli",
            name: "Gemini CLI",
            how: "",
            link: None,
            snippets: vec![
                shell("In a terminal", &[&["gemini"], &add[..]].concat()),
                file("~/.gemini/settings.json", &json!({ "mcpServers": { SERVER: { "httpUrl": url } } })),
            ],
            then: "Then type `/mcp auth sentry` in a session.",
            docs: "https://geminicli.com/docs/tools/mcp-server/",
        },
        Client {
            id: "opencode",
            name: "OpenCode",
            how: "",
            link: None,
            snippets: vec![shell("In a terminal", &["opencode", "mcp", "add", SERVER, "--global", "--url", url])],
            then: "Then type `/mcps` in a session, choose the server, and sign in.",
            docs: "https://opencode.ai/docs/mcp-servers",
        },
        Client {
            id: "windsurf",
            name: "Windsurf",
            how: "",
            link: None,
            snippets: vec![file(
                "~/.codeium/windsurf/mcp_config.json",
                &json!({ "mcpServers": { SERVER: { "serverUrl": url } } }),
            )],
            then: "Then refresh the list of servers in Cascade.",
            docs: "https://docs.windsurf.com/windsurf/cascade/mcp",
        },
        Client {
            id: "zed",
            name: "Zed",
            how: "",
            link: None,
            snippets: vec![file("Zed’s settings file", &json!({ "context_servers": { SERVER: { "url": url } } }))],
            then: "",
            docs: "https://zed.dev/docs/ai/mcp",
        },
        Client {
            id: "inspector",
            name: "MCP Inspector",
            how: "To look at tools, prompts and messages by hand.",
            link: None,
            snippets: vec![shell(
                "In a terminal",
                &["npx", "@modelcontextprotocol/inspector", "--server-url", url, "--transport", "http"],
            )],
            then: "",
            docs: "https://github.com/modelcontextprotocol/inspector",
        },
        Client {
            id: "stdio",
            name: "Clients that only start programs",
            how: "`mcp-remote` stands between: it runs beside the client and opens the browser for it.",
            link: None,
            snippets: vec![file(
                "The client’s configuration",
                &json!({ "mcpServers": { SERVER: { "command": "npx", "args": ["-y", "mcp-remote", url] } } }),
            )],
            then: "",
            docs: "https://github.com/geelen/mcp-remote",
        },
    ]
}

/// The clients that bring a Sentry token of their own, for the server at `url`.
pub(crate) fn by_token(url: &str) -> Client {
    Client {
        id: "token",
        name: "Scripts, and clients without a browser",
        how: "They bring a Sentry token of yours in each request, in a header of its own scheme. It is checked with Sentry and \
              kept nowhere.",
        link: None,
        snippets: vec![
            file(
                "The client’s configuration",
                &json!({ "mcpServers": { SERVER: {
                    "type": "http",
                    "url": url,
                    "headers": { "Authorization": TOKEN },
                } } }),
            ),
            shell(
                "Claude Code, in a terminal",
                &[
                    "claude",
                    "mcp",
                    "add",
                    "--transport",
                    "http",
                    SERVER,
                    url,
                    "--header",
                    &format!("Authorization: {TOKEN}"),
                ],
            ),
        ],
        then: "",
        docs: "https://docs.sentry.io/api/auth/",
    }
}

/// What one client's configuration needs, for `/mcp.json`.
pub(crate) fn configuration(url: &str) -> Value {
    json!({ SERVER: { "type": "http", "url": url } })
}

fn named(url: &str) -> Value {
    json!({ "name": SERVER, "type": "http", "url": url })
}

/// The server's configuration as base64 of JSON, in a query: <https://cursor.com/docs/mcp/install-links>.
fn cursor_link(url: &str) -> String {
    let config = STANDARD.encode(json!({ "url": url }).to_string());
    let config = utf8_percent_encode(&config, COMPONENT);
    format!("cursor://anysphere.cursor-deeplink/mcp/install?name={SERVER}&config={config}")
}

/// The same object as for `--add-mcp`, as JSON, for the whole query:
/// <https://code.visualstudio.com/docs/copilot/guides/mcp-developer-guide>.
fn vscode_link(url: &str) -> String {
    format!("vscode:mcp/install?{}", utf8_percent_encode(&named(url).to_string(), COMPONENT))
}

/// `word` as a POSIX shell reads it: as it is, or in single quotes.
fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:@%+=,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;

    const URLS: [&str; 4] = [
        "https://vedette.example.workers.dev/mcp",
        "http://127.0.0.1:8787/mcp",
        "http://[::1]:8787/mcp",
        "https://$(id)';`x`.example/mcp",
    ];

    fn every(url: &str) -> Vec<Client> {
        by_consent(url).into_iter().chain([by_token(url)]).collect()
    }

    #[test]
    fn deep_links_decode_to_the_address() {
        for url in URLS {
            let link = cursor_link(url);
            let query = url::Url::parse(&link).unwrap();
            let pairs: Vec<(String, String)> = query.query_pairs().into_owned().collect();
            assert_eq!(pairs[0], ("name".to_owned(), "sentry".to_owned()));
            let config: Value = serde_json::from_slice(&STANDARD.decode(&pairs[1].1).unwrap()).unwrap();
            assert_eq!((pairs[1].0.as_str(), config), ("config", json!({ "url": url })));

            let link = vscode_link(url);
            let query = link.strip_prefix("vscode:mcp/install?").unwrap();
            let decoded = percent_decode_str(query).decode_utf8().unwrap();
            let config: Value = serde_json::from_str(&decoded).unwrap();
            assert_eq!(config, json!({ "name": "sentry", "type": "http", "url": url }));
        }
    }

    #[test]
    fn files_parse_and_hold_the_address() {
        for url in URLS {
            let mut files = 0;
            for snippet in every(url).into_iter().flat_map(|client| client.snippets) {
                match snippet.language {
                    "json" => {
                        let content: Value = serde_json::from_str(&snippet.text).unwrap();
                        let server = &content.as_object().unwrap().values().next().unwrap()["sentry"];
                        let found = [&server["url"], &server["httpUrl"], &server["serverUrl"], &server["args"][2]];
                        assert!(found.contains(&&json!(url)), "{}", snippet.text);
                        files += 1;
                    }
                    "toml" => {
                        let (table, line) = snippet.text.split_once('\n').unwrap();
                        assert_eq!(table, "[mcp_servers.sentry]");
                        let text: String = serde_json::from_str(line.strip_prefix("url = ").unwrap()).unwrap();
                        assert_eq!(text, url);
                        files += 1;
                    }
                    "text" => assert_eq!(snippet.text, url),
                    _ => {}
                }
            }
            assert!(files >= 7, "{files}");
        }
    }

    /// The words of a line, as a POSIX shell splits it, for what [`shell_word`] writes.
    fn split(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted, mut characters) = (Vec::new(), String::new(), false, line.chars());
        while let Some(character) = characters.next() {
            match character {
                '\'' => quoted = !quoted,
                '\\' if !quoted => word.extend(characters.next()),
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                plain if quoted || !"$`\"|&;()<>*?[]#~!{}\n\t".contains(plain) => word.push(plain),
                special => panic!("{special} is not quoted in {line}"),
            }
        }
        words.push(word);
        words
    }

    #[test]
    fn a_shell_reads_the_address_as_one_word() {
        for url in URLS {
            let lines: Vec<String> = every(url)
                .into_iter()
                .flat_map(|client| client.snippets)
                .filter(|snippet| snippet.language == "sh")
                .flat_map(|snippet| snippet.text.lines().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            assert!(lines.len() >= 8);
            for line in lines.iter().filter(|line| !line.starts_with("codex mcp login")) {
                let words = split(line);
                let json = words.iter().find_map(|word| serde_json::from_str::<Value>(word).ok());
                let found = words.iter().any(|word| word == url) || json.is_some_and(|json| json == named(url));
                assert!(found, "{line}");
            }
        }
        assert_eq!(shell_word("https://vedette.example/mcp"), "https://vedette.example/mcp");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn every_client_has_an_anchor_of_its_own_and_a_source() {
        let clients = every(URLS[0]);
        let mut ids: Vec<&str> = clients.iter().map(|client| client.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), clients.len());
        for client in clients {
            assert!(client.docs.starts_with("https://"), "{}", client.name);
            assert!(!client.snippets.is_empty(), "{}", client.name);
        }
    }
}
