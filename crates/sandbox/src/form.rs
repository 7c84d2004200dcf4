//! Reading queries, forms, JSON bodies and paths.

use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

/// Decoded name-value pairs, in order; a name may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    pub(crate) fn parse(encoded: &[u8]) -> Pairs {
        Pairs(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub(crate) fn of_query(uri: &http::Uri) -> Pairs {
        Pairs::parse(uri.query().unwrap_or_default().as_bytes())
    }

    /// The first value under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value under `name`, or an empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same pairs with `name` set to `value` (at the end), encoded.
    pub(crate) fn encoded_with(&self, name: &str, value: &str) -> String {
        let others = self.iter().filter(|(known, _)| *known != name);
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(others).append_pair(name, value).finish()
    }
}

/// `name=value&…`, encoded.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The media type of a message, in lower case and without parameters.
pub(crate) fn media_type(headers: &http::HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The decoded segments of a path, without empty ones at its two ends.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
}
