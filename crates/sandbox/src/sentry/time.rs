//! Times as Sentry writes them, and the periods that it reads.

use jiff::Timestamp;

/// `2024-11-27T23:20:21Z`.
pub(crate) fn seconds(epoch_ms: i64) -> String {
    let whole = Timestamp::from_second(epoch_ms.div_euclid(1000)).unwrap_or(Timestamp::UNIX_EPOCH);
    whole.to_string()
}

/// `2024-11-27T23:20:21.054000Z`.
pub(crate) fn micros(epoch_ms: i64) -> String {
    let moment = Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{moment:.6}")
}

/// Reads an ISO 8601 date or time (without an offset it is UTC).
pub(crate) fn parse(text: &str) -> Option<i64> {
    let candidates = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    candidates.iter().find_map(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond)
}

/// Reads `90s`, `30m`, `24h`, `14d` or `2w`, in milliseconds.
pub(crate) fn period_ms(text: &str) -> Option<i64> {
    let unit_ms = match text.chars().last()? {
        's' => 1000,
        'm' => 60 * 1000,
        'h' => 3600 * 1000,
        'd' => 24 * 3600 * 1000,
        'w' => 7 * 24 * 3600 * 1000,
        _ => return None,
    };
    let number: u32 = text.get(..text.len().checked_sub(1)?)?.parse().ok()?;
    i64::from(number).checked_mul(unit_ms)
}
