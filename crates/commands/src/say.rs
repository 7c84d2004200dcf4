//! Numbers, times and strangers' text in the words of an answer.

use std::time::Duration;

use jiff::Timestamp as Moment;

use vedette_ports::Timestamp;
use vedette_sentry::invisible::is_deceptive;

/// `1204` as `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let length = digits.len();
    let mut text = String::with_capacity(length + length / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (length - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `1,204 events`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `3 minutes ago`.
pub fn ago(now: Timestamp, moment: Moment) -> String {
    let then = Timestamp(moment.as_millisecond());
    if then > now + Duration::from_secs(60) {
        return absolute(moment); // a clock runs wrong somewhere
    }
    match now.since(then).as_secs() {
        0..=44 => "just now".to_owned(),
        seconds => format!("{} ago", span(Duration::from_secs(seconds))),
    }
}

/// `globex, initech or hooli`.
pub fn joined(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [before @ .., end] => format!("{} {last} {end}", before.join(", ")),
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt {
    /// How many things there are in all, when that is known.
    pub total: Option<u64>,
    /// How many came before; `None` on a page whose place is not known.
    pub before: Option<u64>,
    /// How many are shown.
    pub shown: u64,
    /// Whether more follow.
    pub more: bool,
}

/// Where a page of a list stands, for its title: ` (46)` for all of 46 things, ` (11–20 of 46)` for some of them,
/// ` (11–20, and more)` where nobody knows of how many, ` (continued)` for a page of which nobody knows what came before it.
pub fn place_in_list(page: Excerpt) -> String {
    let Excerpt { total, before: Some(before), shown, more } = page else { return " (continued)".to_owned() };
    let (first, last) = (before.saturating_add(1), before.saturating_add(shown));
    if shown == 0 || (before == 0 && !more) {
        return total.map(|total| format!(" ({})", count(total))).unwrap_or_default();
    }
    let range = if first == last { count(last) } else { format!("{}–{}", count(first), count(last)) };
    match total {
        Some(total) => format!(" ({range} of {})", count(total)),
        None if more => format!(" ({range}, and more)"),
        None => format!(" ({range})"),
    }
}

/// A duration in its largest unit: `3 minutes`.
pub fn span(duration: Duration) -> String {
    const UNITS: [(u64, &str, &str); 6] = [
        (365 * 86_400, "year", "years"),
        (30 * 86_400, "month", "months"),
        (86_400, "day", "days"),
        (3_600, "hour", "hours"),
        (60, "minute", "minutes"),
        (1, "second", "seconds"),
    ];
    let seconds = duration.as_secs().max(1);
    UNITS
        .iter()
        .find(|(length, _, _)| seconds >= *length)
        .map_or_else(String::new, |(length, one, many)| counted(seconds / length, one, many))
}

/// `2026-03-04 10:12 UTC`.
pub fn absolute(moment: Moment) -> String {
    moment.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `3 minutes ago (2026-03-04 10:12 UTC)`.
pub fn when(now: Timestamp, moment: Moment) -> String {
    let (relative, exact) = (ago(now, moment), absolute(moment));
    if relative == exact { exact } else { format!("{relative} ({exact})") }
}

/// Sentry's periods in words: `14d` as `14 days`.
pub fn period(text: &str) -> String {
    let Some((number, unit)) = split_period(text) else { return text.to_owned() };
    let (one, many) = match unit {
        's' => ("second", "seconds"),
        'm' => ("minute", "minutes"),
        'h' => ("hour", "hours"),
        'd' => ("day", "days"),
        _ => ("week", "weeks"),
    };
    counted(number, one, many)
}

/// The number and the unit of a period like `14d`; units are `s`, `m`, `h`, `d` and `w`.
pub fn split_period(text: &str) -> Option<(u64, char)> {
    let unit = text.chars().last().filter(|unit| "smhdw".contains(*unit))?;
    let number = text.strip_suffix(unit)?;
    let plain = (1..=4).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
    number.parse().ok().filter(|number| plain && *number > 0).map(|number| (number, unit))
}

/// A stranger's text as one line of at most `most` characters (P20): no control characters, no line breaks, nothing that
/// changes the direction of what follows.
pub fn line(text: &str, most: usize) -> String {
    let words: Vec<String> =
        text.split(|character: char| character.is_whitespace() || character.is_control()).map(visible).collect();
    let line = words.iter().filter(|word| !word.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ");
    cut(&line, most)
}

/// A stranger's text with its lines, of at most `most` characters (P20).
pub fn block(text: &str, most: usize) -> String {
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    let lines: Vec<String> = text.split('\n').map(|line| visible(line).trim_end().to_owned()).collect();
    cut(lines.join("\n").trim_matches('\n'), most)
}

/// At most `most` characters; what was cut shows as `…`.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn visible(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && !is_deceptive(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_and_nouns_their_number() {
        assert_eq!([0, 7, 999, 1000, 1_234_567].map(count), ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "event", "events"), "1 event");
        assert_eq!(counted(1204, "event", "events"), "1,204 events");
    }

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let then: Moment = "2026-03-04T10:12:00Z".parse().unwrap();
        let after = |seconds: i64| ago(Timestamp((then.as_second() + seconds) * 1000), then);
        assert_eq!(after(0), "just now");
        assert_eq!(after(60), "1 minute ago");
        assert_eq!(after(7_300), "2 hours ago");
        assert_eq!(after(3 * 86_400), "3 days ago");
        assert_eq!(after(800 * 86_400), "2 years ago");
        assert_eq!(after(-30), "just now");
        assert_eq!(after(-3_600), "2026-03-04 10:12 UTC");
    }

    #[test]
    fn periods_are_a_number_and_a_unit() {
        assert_eq!(period("14d"), "14 days");
        assert_eq!(period("1h"), "1 hour");
        for bad in ["", "d", "14", "14y", "-1d", "0d", "1 d", "99999d", "１d"] {
            assert_eq!(split_period(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_strangers_text_stays_on_its_line_p20() {
        assert_eq!(line("a\r\n\tb\u{0}c\u{1b}[31m \u{202e}evil", 80), "a b c [31m evil");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(block("a\r\n\tb\u{7}  \n\n", 80), "a\n    b");
    }
}
