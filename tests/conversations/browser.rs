//! A person's browser: cookies, redirects and forms, between the Worker and the sandbox's Sentry.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use url::{Url, form_urlencoded};

use crate::world::{APP, Platform};

pub struct Browser<'a> {
    platform: &'a Platform,
    cookies: RefCell<BTreeMap<String, String>>,
    /// What the browser says of where a form was posted from.
    pub posts_from: Cell<&'static str>,
}

/// The first form of a page: where it goes, and its hidden fields.
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub fn new(platform: &'a Platform) -> Browser<'a> {
        Browser { platform, cookies: RefCell::default(), posts_from: Cell::new("same-origin") }
    }

    pub fn get(&self, url: &str) -> Response<Bytes> {
        self.send(Method::GET, url, None)
    }

    pub fn post(&self, url: &str, fields: &[(&str, &str)]) -> Response<Bytes> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, url, Some(body))
    }

    /// The request that this browser would make.
    pub fn request(&self, method: Method, url: &str, body: Option<String>) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(url);
        if body.is_some() {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header("sec-fetch-site", self.posts_from.get());
        }
        if url.starts_with(APP) && !self.cookies.borrow().is_empty() {
            let pairs: Vec<String> =
                self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request.body(Bytes::from(body.unwrap_or_default())).unwrap()
    }

    fn send(&self, method: Method, url: &str, body: Option<String>) -> Response<Bytes> {
        let request = self.request(method, url, body);
        if !url.starts_with(APP) {
            let exchange = self.platform.sandbox.handle(request, self.platform.now.get());
            return exchange.response().cloned().expect("an answer");
        }
        let response = self.platform.request(request);
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
        }
        response
    }

    /// Presses "Continue to Sentry" on the page behind a link; returns where Sentry's consent page is.
    pub fn start(&self, link: &str) -> Result<String, Box<Response<Bytes>>> {
        let page = self.get(link);
        if page.status() != 200 {
            return Err(page.into());
        }
        let form = form(&page);
        let response = self.post(&absolute(&form.action), &borrowed(&form.fields));
        location(&response).ok_or_else(|| response.into())
    }

    /// Decides on Sentry's consent page; returns the callback's address.
    pub fn consent(&self, authorize: &str, account: Option<&str>) -> String {
        let fields = match account {
            Some(account) => vec![("account", account), ("op", "approve")],
            None => vec![("op", "deny")],
        };
        location(&self.post(authorize, &fields)).expect("a way back")
    }

    /// Confirms, or cancels, on the page that shows both sides.
    pub fn decide(&self, page: &Response<Bytes>, decision: &str) -> Response<Bytes> {
        let form = form(page);
        let mut fields = borrowed(&form.fields);
        fields.push(("decision", decision));
        self.post(&absolute(&form.action), &fields)
    }

    /// The whole way, as an obliging person goes it; returns the last page's text.
    pub fn connect(&self, link: &str, account: &str) -> String {
        let authorize = self.start(link).unwrap_or_else(|page| panic!("{}", text(&page)));
        let page = self.get(&self.consent(&authorize, Some(account)));
        assert_eq!(page.status(), 200, "{}", text(&page));
        let last = self.decide(&page, "connect");
        assert_eq!(last.status(), 200, "{}", text(&last));
        text(&last)
    }
}

/// A page without its head, or any other body.
pub fn text(response: &Response<Bytes>) -> String {
    let whole = String::from_utf8_lossy(response.body()).into_owned();
    whole.split_once("</head>").map_or(whole.clone(), |(_, body)| body.to_owned())
}

pub fn location(response: &Response<Bytes>) -> Option<String> {
    Some(response.headers().get(header::LOCATION)?.to_str().ok()?.to_owned())
}

pub fn form(page: &Response<Bytes>) -> Form {
    let html = text(page);
    let action = attribute(html.split("<form").nth(1).unwrap_or_else(|| panic!("no form in {html}")), "action");
    let fields = html
        .split("<input")
        .skip(1)
        .filter(|tag| tag.contains("hidden"))
        .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
        .collect();
    Form { action, fields }
}

fn attribute(tag: &str, name: &str) -> String {
    let rest = tag.split(&format!(" {name}=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {tag}"));
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

fn absolute(action: &str) -> String {
    Url::parse(APP).unwrap().join(action).unwrap().into()
}

pub fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
