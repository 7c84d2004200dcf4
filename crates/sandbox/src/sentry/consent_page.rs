//! The pages that a person sees on the way: the consent, and the dead ends.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::accounts::ACCOUNTS;

/// Sentry's purple, a quiet card, and nothing from elsewhere.
const STYLE: &str = "
:root{color-scheme:light;--ink:#2b2233;--soft:#6f617c;--line:#e3dcea;--accent:#6a5fc1;--accent-dark:#584ac0;--bg:#faf9fb}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:
radial-gradient(60rem 30rem at 80% -10%,#ece5ff 0,transparent 60%),var(--bg);color:var(--ink);
font:16px/1.5 Rubik,system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main{width:100%;max-width:30rem;background:#fff;border:1px solid var(--line);border-radius:14px;
box-shadow:0 1px 2px #2b22330d,0 16px 40px -16px #2b223326;padding:32px}
.mark{display:flex;align-items:center;gap:10px;font-weight:600;letter-spacing:.01em;margin-bottom:22px}
.mark svg{width:28px;height:28px}
.mark small{margin-left:auto;font-weight:500;font-size:12px;color:var(--soft);border:1px solid var(--line);
border-radius:99px;padding:2px 10px}
h1{font-size:22px;line-height:1.3;margin:0 0 6px}
p{margin:0 0 18px;color:var(--soft)}
fieldset{border:0;margin:0 0 22px;padding:0;display:grid;gap:10px}
legend{padding:0;margin-bottom:8px;font-weight:600;font-size:14px}
.account{display:flex;gap:14px;align-items:center;padding:13px 14px;border:1px solid var(--line);border-radius:10px;
cursor:pointer}
.account:hover{border-color:#bdb0d0}
.account:has(:checked){border-color:var(--accent);box-shadow:0 0 0 1px var(--accent);background:#f7f5ff}
.account input{accent-color:var(--accent);width:18px;height:18px;margin:0}
.account span{display:block;font-size:14px;color:var(--soft)}
.account b{font-weight:600}
ul{margin:0 0 24px;padding:0;list-style:none;display:grid;gap:6px}
li{padding-left:26px;position:relative}
li:before{content:'✓';position:absolute;left:4px;color:#2ba185;font-weight:700}
code{font:13px ui-monospace,SFMono-Regular,Menlo,monospace;color:var(--soft)}
.actions{display:flex;gap:10px}
button{font:inherit;font-weight:600;border-radius:9px;padding:11px 20px;border:1px solid var(--line);background:#fff;
color:var(--ink);cursor:pointer}
button.go{flex:1;background:var(--accent);border-color:var(--accent);color:#fff}
button.go:hover{background:var(--accent-dark)}
button:focus-visible,.account:focus-within{outline:3px solid #6a5fc155;outline-offset:2px}
footer{margin-top:20px;font-size:13px;color:var(--soft)}
";

const MARK: &str = r##"<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#362d59"/>
<path d="M16 7 6.5 24h6a9 9 0 0 0-4-7l2-3.4A13 13 0 0 1 16.500 24H25.500Z" fill="none" stroke="#fff"
stroke-width="2" stroke-linejoin="round"/></svg>"##;

/// The consent page. Its form posts to the page's own address, so that it needs no hidden state.
pub(crate) fn consent(scopes: &[String], redirect_host: &str) -> String {
    page(
        "Authorize Vedette",
        html! {
            h1 { "Vedette would like to see your Sentry" }
            p { "It acts in your name, with your access and never more." }
            form method="post" {
                fieldset {
                    legend { "Continue as" }
                    @for (index, account) in ACCOUNTS.iter().filter(|account| account.is_person).enumerate() {
                        label.account {
                            input type="radio" name="account" value=(account.email) checked[index == 0] required;
                            div {
                                b { (account.name) }
                                span { (account.email) " · sees " (account.organizations.join(", ")) }
                            }
                        }
                    }
                }
                ul {
                    @for scope in scopes { li { (meaning(scope)) " " code { (scope) } } }
                }
                div.actions {
                    button.go type="submit" name="op" value="approve" { "Approve" }
                    button type="submit" name="op" value="deny" formnovalidate { "Deny" }
                }
            }
            footer { "You will be sent back to " b { (redirect_host) } "." }
        },
    )
}

/// A dead end: the browser stays here, and the application never hears of it.
pub(crate) fn dead_end(message: &str) -> String {
    page(
        "Error",
        html! {
            h1 { "Unable to authorize" }
            p { (message) }
            footer { "Nothing was sent to the application. You can close this page." }
        },
    )
}

/// What one finds behind a permalink.
pub(crate) fn issue(short_id: &str, title: &str, culprit: &str) -> String {
    page(
        short_id,
        html! {
            p { b { (short_id) } }
            h1 { (title) }
            p { (culprit) }
            footer { "In Sentry, the whole issue would be here. The sandbox has only its data." }
        },
    )
}

fn page(title: &str, content: Markup) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Sentry (sandbox)" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    div.mark { (PreEscaped(MARK)) "Sentry" small { "sandbox" } }
                    (content)
                }
            }
        }
    };
    document.into_string()
}

fn meaning(scope: &str) -> &'static str {
    match scope {
        "org:read" => "See your organizations",
        "project:read" => "See projects and releases",
        "project:write" => "Change projects and their keys",
        "team:read" => "See teams",
        "team:write" => "Change teams",
        "member:read" => "See members",
        "event:read" => "See issues and events",
        "event:write" => "Resolve and assign issues",
        "alerts:read" => "See alerts",
        "openid" | "profile" | "email" => "Know who you are",
        _ => "Use this permission",
    }
}
