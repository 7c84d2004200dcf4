//! A person's browser, over real HTTP.

use std::cell::RefCell;
use std::collections::BTreeMap;

use url::{Url, form_urlencoded};

use crate::rig::{Answer, Rig};

pub struct Browser<'a> {
    rig: &'a Rig,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub fn new(rig: &'a Rig) -> Browser<'a> {
        Browser { rig, cookies: RefCell::default() }
    }

    pub fn get(&self, url: &str) -> Answer {
        self.send("GET", url, String::new())
    }

    pub fn post(&self, url: &str, fields: &[(String, String)]) -> Answer {
        self.send("POST", url, form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
    }

    fn send(&self, method: &str, url: &str, body: String) -> Answer {
        let cookies = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let cookie = cookies.join("; ");
        let mut headers = vec![];
        if method == "POST" {
            headers.extend([("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")]);
        }
        if !cookie.is_empty() && url.starts_with(&self.rig.app) {
            headers.push(("cookie", &cookie));
        }
        let answer = self.rig.send(method, url, &headers, body.as_bytes());
        for (_, set) in answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Presses the button on the page behind a link; returns the address of Sentry's consent page.
    pub fn start(&self, link: &str) -> String {
        let page = self.get(link);
        assert_eq!(page.status, 200, "{}", page.body);
        let (action, fields) = form(&page);
        let answer = self.post(&self.absolute(&action), &fields);
        answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)).to_owned()
    }

    /// Approves at Sentry; returns the callback's address.
    pub fn approve(&self, authorize: &str, account: &str) -> String {
        let fields = [("account".to_owned(), account.to_owned()), ("op".to_owned(), "approve".to_owned())];
        let answer = self.post(authorize, &fields);
        answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)).to_owned()
    }

    /// Answers the last question.
    pub fn decide(&self, page: &Answer, decision: &str) -> Answer {
        let (action, mut fields) = form(page);
        fields.push(("decision".to_owned(), decision.to_owned()));
        self.post(&self.absolute(&action), &fields)
    }

    /// The whole way.
    pub fn connect(&self, link: &str, account: &str) -> Answer {
        let page = self.get(&self.approve(&self.start(link), account));
        assert_eq!(page.status, 200, "{}", page.body);
        let last = self.decide(&page, "connect");
        assert_eq!(last.status, 200, "{}", last.body);
        last
    }

    /// Lets an MCP client in, with these skills; returns where it is sent, with its code.
    pub fn let_in(&self, authorize: &str, account: &str, skills: &[&str]) -> String {
        let page = self.get(authorize);
        assert_eq!(page.status, 200, "{}", page.body);
        let (action, mut fields) = form(&page);
        fields.extend(skills.iter().map(|skill| (format!("skill-{skill}"), "on".to_owned())));
        fields.push(("decision".to_owned(), "approve".to_owned()));
        let answer = self.post(&self.absolute(&action), &fields);
        let to_sentry = answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
        let answer = self.get(&self.approve(to_sentry, account));
        answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.body)).to_owned()
    }

    fn absolute(&self, action: &str) -> String {
        Url::parse(&self.rig.app).unwrap().join(action).unwrap().into()
    }
}

/// The first form of a page: where it goes, and its hidden fields.
pub fn form(page: &Answer) -> (String, Vec<(String, String)>) {
    let html = &page.body;
    let form = html.split("<form").nth(1).unwrap_or_else(|| panic!("no form in {html}"));
    let fields = html.split("<input").skip(1).filter(|tag| tag.contains("hidden"));
    (attribute(form, "action"), fields.map(|tag| (attribute(tag, "name"), attribute(tag, "value"))).collect())
}

fn attribute(tag: &str, name: &str) -> String {
    let rest = tag.split(&format!(" {name}=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {tag}"));
    rest.split('"').next().unwrap().replace("&amp;", "&")
}
