//! Words: what a person typed, cut like a shell would, as Slack delivers it.
//!
//! Slack changes text on its way: it wraps links (`<https://…|label>`), escapes `&`, `<` and `>`, and many keyboards
//! turn `--` into `—` and quotes into “these”. People format (`*bold*`, `_italic_`, `~struck~`, code), quote, and write in
//! lists; what they copy brings invisible characters along. All of that is undone here, once, and what it leaves is
//! literal: no character that comes out of an escape is syntax, and what stands in quotes stays as it is.
//!
//! A command asks for its options first, then for its words, then calls [`Words::finish`].

use super::UsageError;
use super::nearest::nearest;
use super::say::line;
use vedette_sentry::invisible::{is_deceptive, is_invisible};

/// The longest text that is read, in characters: as long as a Slack message may be.
pub const MAX_TEXT: usize = 4_000;

/// How much of a wrong word is said back.
const SHOWN: usize = 60;

/// One word. What was quoted is never a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: bool,
}

/// The words that are not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    words: Vec<Word>,
    known: Vec<String>,
}

impl Words {
    /// Cuts `text` into words.
    ///
    /// # Errors
    /// When a quote is not closed, or the text is too long.
    pub fn parse(text: &str) -> Result<Words, UsageError> {
        if text.chars().count() > MAX_TEXT {
            return Err(UsageError::new(format!(
                "That is more text than I can read at once: {MAX_TEXT} characters are the most."
            )));
        }
        let characters: Vec<char> = text.chars().collect();
        Ok(Words { words: Cutter::new(&characters).words()?, known: Vec::new() })
    }

    /// Cuts a whole message into words: without a list's bullet or number before them, and without what is around all of
    /// them.
    ///
    /// # Errors
    /// As [`Words::parse`].
    pub fn of_message(text: &str) -> Result<Words, UsageError> {
        let bare = unwrapped(text);
        // A quote that opens before the first word and closes nowhere is no quote.
        Words::parse(bare).or_else(|error| match bare.strip_prefix(QUOTES) {
            Some(rest) => Words::parse(rest).map_err(|_| error),
            None => Err(error),
        })
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words that are left, as they are.
    pub fn texts(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }

    /// The next word that is no flag, without taking it.
    pub fn peek(&self) -> Option<&str> {
        self.words.iter().find(|word| !is_flag(word)).map(|word| word.text.as_str())
    }

    /// Takes the next word that is no flag.
    pub fn next_word(&mut self) -> Option<String> {
        let index = self.words.iter().position(|word| !is_flag(word))?;
        Some(self.words.remove(index).text)
    }

    /// Takes the next word as a place: `organization` or `organization/project`, without the end of a sentence.
    pub fn next_place(&mut self) -> Option<(String, Option<String>)> {
        let word = self.next_word()?;
        let word = word.trim_end_matches(['/', '.', ',', ';', '!', '?']);
        let (organization, project) = word.split_once('/').unwrap_or((word, ""));
        Some((organization.to_owned(), Some(project.to_owned()).filter(|project| !project.is_empty())))
    }

    /// Takes the first `count` words, whatever they are.
    pub fn skip(&mut self, count: usize) {
        self.words.drain(..count.min(self.words.len()));
    }

    /// Takes `--name` (or `-s`) without a value; whether it was there.
    pub fn switch(&mut self, name: &str, short: Option<char>) -> bool {
        self.learn(name, short);
        let before = self.words.len();
        self.words.retain(|word| flag_of(word).is_none_or(|flag| !flag.is(name, short) || flag.value.is_some()));
        self.words.len() < before
    }

    /// Takes the value of `--name x`, `--name=x`, `-s x`, `-s=x` or `-sx`. The last one wins, as in a shell.
    ///
    /// # Errors
    /// When the flag has no value.
    pub fn option(&mut self, name: &str, short: Option<char>) -> Result<Option<String>, UsageError> {
        self.learn(name, short);
        let mut value = None;
        while let Some(index) = self.words.iter().position(|word| flag_of(word).is_some_and(|it| it.is(name, short))) {
            let word = self.words.remove(index);
            let attached = flag_of(&word).and_then(|flag| flag.value);
            value = Some(match attached {
                Some(attached) => attached,
                None if self.words.get(index).is_some_and(|next| !is_flag(next)) => self.words.remove(index).text,
                None => return Err(UsageError::new(format!("`{}` needs a value after it.", line(&word.text, SHOWN)))),
            });
        }
        Ok(value)
    }

    /// As [`Words::option`], for a whole number of at least 1.
    ///
    /// # Errors
    /// When the flag has no value, or another one.
    pub fn number(&mut self, name: &str, short: Option<char>) -> Result<Option<u32>, UsageError> {
        let Some(value) = self.option(name, short)? else { return Ok(None) };
        match value.parse() {
            Ok(number) if number >= 1 => Ok(Some(number)),
            _ => Err(UsageError::new(format!("`--{name}` takes a whole number, not `{}`.", line(&value, SHOWN)))),
        }
    }

    /// Says that nothing more is expected.
    ///
    /// # Errors
    /// When something is left: an unknown flag, with the nearest known one, or a word too many.
    pub fn finish(&self) -> Result<(), UsageError> {
        if let Some(flag) = self.words.iter().find_map(flag_of) {
            let typed = line(&flag.dashed(), SHOWN);
            let problem = match nearest(&typed, self.known.iter().map(String::as_str)) {
                Some(known) => format!("I don't know `{typed}` here. Did you mean `{known}`?"),
                None if self.known.is_empty() => format!("I don't know `{typed}`; this takes no flags."),
                None => format!("I don't know `{typed}` here. It takes {}.", self.known.join(", ")),
            };
            return Err(UsageError::new(problem));
        }
        match self.words.first() {
            Some(word) => Err(UsageError::new(format!("I don't know what to do with `{}`.", line(&word.text, SHOWN)))),
            None => Ok(()),
        }
    }

    fn learn(&mut self, name: &str, short: Option<char>) {
        self.known.push(format!("--{name}"));
        self.known.extend(short.map(|short| format!("-{short}")));
    }
}

/// `text` as one word for [`Words::parse`]: quoted when it needs to be.
pub fn quote(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:@#!,=+*".contains(character);
    let bare = !text.is_empty() && !text.starts_with('-') && text.chars().all(plain);
    if bare { text.to_owned() } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// As [`quote`], but leaves a flag a flag: for saying a line again that was cut into words.
pub fn quote_unless_flag(text: &str) -> String {
    let is_flag = is_flag(&Word { text: text.to_owned(), quoted: false });
    if is_flag && !text.contains(char::is_whitespace) { text.to_owned() } else { quote(text) }
}

struct Flag {
    name: String,
    long: bool,
    value: Option<String>,
}

impl Flag {
    fn is(&self, name: &str, short: Option<char>) -> bool {
        // `—q` is what a keyboard makes of `--q`, which is what people make of `-q`.
        let is_short = short.is_some_and(|short| self.name.chars().eq([short]));
        is_short || (self.long && self.name == name)
    }

    fn dashed(&self) -> String {
        format!("{}{}", if self.long { "--" } else { "-" }, self.name)
    }
}

fn is_flag(word: &Word) -> bool {
    flag_of(word).is_some()
}

fn flag_of(word: &Word) -> Option<Flag> {
    if word.quoted {
        return None;
    }
    let split = |rest: &str| match rest.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (rest.to_owned(), None),
    };
    if let Some(rest) = word.text.strip_prefix("--") {
        let (name, value) = split(rest);
        return name.starts_with(char::is_alphabetic).then_some(Flag { name, long: true, value });
    }
    let rest = word.text.strip_prefix('-')?;
    let letter = rest.chars().next().filter(|letter| letter.is_alphabetic())?;
    let attached = rest.strip_prefix(letter).unwrap_or_default();
    let value = attached.strip_prefix('=').unwrap_or(attached);
    let value = (!attached.is_empty()).then(|| value.to_owned());
    Some(Flag { name: letter.to_string(), long: false, value })
}

/// What opens a quote.
const QUOTES: [char; 7] = ['"', '\'', '“', '”', '„', '‘', '’'];

/// What people put around a whole message, and what closes it.
const WRAPPERS: [(char, &str); 11] = [
    ('"', "\""),
    ('\'', "'"),
    ('“', "”“\""),
    ('”', "”"),
    ('„', "“”"),
    ('‘', "’"),
    ('«', "»"),
    ('‹', "›"),
    ('(', ")"),
    ('[', "]"),
    ('{', "}"),
];

/// A message without bullets, numbers, quote marks and the like around it.
fn unwrapped(text: &str) -> &str {
    let around = |character: char| character.is_whitespace() || is_invisible(character);
    let mut text = text.trim_matches(around);
    while let Some(inner) = without_wrapper(text).or_else(|| without_lead(text)) {
        let inner = inner.trim_matches(around);
        if inner.is_empty() {
            break;
        }
        text = inner;
    }
    text
}

/// `text` without what a list, a quotation or a prompt puts before it.
fn without_lead(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("&gt;").or_else(|| text.strip_prefix('>')) {
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix(['•', '◦', '‣', '⁃', '∙', '·', '▪', '▫', '●', '○']) {
        return Some(rest);
    }
    let (lead, rest) = text.split_once(char::is_whitespace)?;
    let number = lead.strip_suffix(['.', ')']).map(|number| number.trim_start_matches('('));
    let numbered = number
        .is_some_and(|number| (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit()));
    (numbered || matches!(lead, "-" | "–" | "—" | "+" | "*" | "$")).then_some(rest)
}

/// `text` without the one pair that is around all of it.
fn without_wrapper(text: &str) -> Option<&str> {
    // A mention that stood within the marks leaves a blank where it was, so that the marks are no longer a pair to Slack.
    let marked = ['*', '_', '~', '`'].into_iter().find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark));
    let wraps = |inner: &&str| {
        let is_word = |end: Option<char>| end.is_some_and(char::is_alphanumeric);
        inner.starts_with(char::is_whitespace) || !(is_word(inner.chars().next()) || is_word(inner.chars().last()))
    };
    if let Some(inner) = marked.filter(wraps) {
        return Some(inner);
    }
    let (opener, closers) = WRAPPERS.into_iter().find(|(opener, _)| text.starts_with(*opener))?;
    let inner = text.strip_prefix(opener)?;
    let closer = inner.chars().last().filter(|closer| closers.contains(*closer))?;
    let inner = inner.strip_suffix(closer)?;
    (!inner.contains([opener, closer])).then_some(inner)
}

/// Cuts characters into words.
struct Cutter<'t> {
    rest: &'t [char],
    before: Option<char>,
    /// Formatting that is open.
    open: Vec<char>,
    /// For each mark, how many characters follow the last place where it could close.
    closers: [(char, Option<usize>); 3],
}

/// The longest of Slack's wrapped links that is looked for.
const MAX_LINK: usize = 3_000;

impl<'t> Cutter<'t> {
    fn new(text: &'t [char]) -> Cutter<'t> {
        let closers = ['*', '_', '~'].map(|mark| (mark, last_closer(text, mark)));
        Cutter { rest: text, before: None, open: Vec::new(), closers }
    }

    fn words(mut self) -> Result<Vec<Word>, UsageError> {
        let mut words = Vec::new();
        let mut word: Option<Word> = None;
        while let Some(character) = self.take() {
            if is_invisible(character) || self.formats(character) {
                continue;
            }
            if character.is_whitespace() {
                words.extend(word.take());
            } else {
                let word = word.get_or_insert_with(|| Word { text: String::new(), quoted: false });
                self.read_into(word, character)?;
            }
            self.before = Some(character);
        }
        words.extend(word);
        for word in &mut words {
            undo_long_dash(word);
        }
        Ok(words)
    }

    fn take(&mut self) -> Option<char> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Whether `character` is formatting. Backticks always are; the other marks come in pairs around words.
    fn formats(&mut self, character: char) -> bool {
        if character == '`' {
            return true;
        }
        let Some((_, last)) = self.closers.iter().find(|(mark, _)| *mark == character) else { return false };
        let inside = self.before.is_some_and(|before| !before.is_whitespace());
        if inside
            && ends_here(self.rest)
            && let Some(index) = self.open.iter().rposition(|open| *open == character)
        {
            self.open.remove(index);
            return true;
        }
        let starts = self.before.is_none_or(|before| before.is_whitespace() || OPENS.contains(before));
        let word_ahead = unmarked(self.rest).is_some_and(|next| !next.is_whitespace());
        let opens = starts && word_ahead && last.is_some_and(|after| after < self.rest.len());
        if opens {
            self.open.push(character);
        }
        opens
    }

    /// Reads what begins with `character` outside of quotes.
    fn read_into(&mut self, word: &mut Word, character: char) -> Result<(), UsageError> {
        if let Some(closers) = self.closers(character) {
            word.quoted |= word.text.is_empty();
            return self.quoted(&mut word.text, character, closers);
        }
        self.literal(&mut word.text, character);
        Ok(())
    }

    /// The characters that close the quote which `character` opens; `None` when it opens none.
    fn closers(&self, character: char) -> Option<&'static [char]> {
        const DOUBLE: &[char] = &['“', '”', '„'];
        const SINGLE: &[char] = &['‘', '’', '‚'];
        let curly_ahead = |set: &[char]| self.rest.iter().any(|ahead| set.contains(ahead));
        let in_word = self.before.is_some_and(char::is_alphanumeric);
        match character {
            '"' => Some(&['"']),
            '“' | '”' | '„' if curly_ahead(DOUBLE) => Some(DOUBLE),
            '“' | '„' => Some(&['"']),
            '\'' if !in_word => Some(&['\'']), // not the apostrophe of "what's"
            '‘' | '’' if !in_word && curly_ahead(SINGLE) => Some(SINGLE),
            _ => None,
        }
    }

    fn quoted(&mut self, text: &mut String, opener: char, closers: &[char]) -> Result<(), UsageError> {
        let escapes = matches!(opener, '"' | '“' | '”' | '„');
        while let Some(character) = self.take() {
            if closers.contains(&character) {
                return Ok(());
            }
            match self.rest.first() {
                Some(next) if escapes && character == '\\' && (*next == '\\' || closers.contains(next)) => {
                    text.extend(self.take());
                }
                _ if is_deceptive(character) => {}
                _ => self.literal(text, character),
            }
        }
        Err(UsageError::new(format!(
            "There is an opening {opener} without a closing one. Add it at the end of the value."
        )))
    }

    /// Adds `character`, or what Slack's escape or link that begins with it stands for.
    fn literal(&mut self, text: &mut String, character: char) {
        let entity = |name: &[char]| match name {
            ['a', 'm', 'p', ';', ..] => Some(('&', 4)),
            ['l', 't', ';', ..] => Some(('<', 3)),
            ['g', 't', ';', ..] => Some(('>', 3)),
            _ => None,
        };
        if character == '&'
            && let Some((meant, length)) = entity(self.rest)
        {
            text.push(meant);
            self.rest = self.rest.get(length..).unwrap_or_default();
        } else if character == '<'
            && let Some((meant, length)) = link(self.rest)
        {
            text.push_str(&meant);
            self.rest = self.rest.get(length..).unwrap_or_default();
        } else {
            text.push(character);
        }
    }
}

/// What may stand before formatted words.
const OPENS: &str = "([{<\"'“‘„«‹";
/// What may follow formatted words.
const CLOSES: &str = ".,;:!?…)]}>\"'”’“»›";
/// As many marks are looked over for what is behind them; nobody nests more.
const MAX_NESTED: usize = 8;

/// The first character that is no mark and not invisible.
fn unmarked(text: &[char]) -> Option<char> {
    let shown = |character: &&char| !is_invisible(**character) && !matches!(character, '*' | '_' | '~' | '`');
    text.iter().take(MAX_NESTED).find(shown).copied()
}

/// Whether formatted words can end before `rest`.
fn ends_here(rest: &[char]) -> bool {
    unmarked(rest).is_none_or(|next| next.is_whitespace() || CLOSES.contains(next))
}

/// How many characters follow the last `mark` that can close formatting; those in quotes close none.
fn last_closer(text: &[char], mark: char) -> Option<usize> {
    let mut quoted = false;
    let mut before = ' ';
    let mut last = None;
    for (index, character) in text.iter().enumerate() {
        let rest = text.get(index + 1..).unwrap_or_default();
        quoted ^= matches!(character, '"' | '“' | '”' | '„');
        if *character == mark && !quoted && !before.is_whitespace() && ends_here(rest) {
            last = Some(rest.len());
        }
        if !is_invisible(*character) && !matches!(character, '*' | '_' | '~' | '`') {
            before = *character;
        }
    }
    last
}

/// Turns the long dash that a keyboard made of two back into `--`.
fn undo_long_dash(word: &mut Word) {
    if word.quoted {
        return;
    }
    if let Some(rest) = word.text.strip_prefix(['—', '–']).filter(|rest| rest.starts_with(char::is_alphabetic)) {
        word.text = format!("--{rest}");
    }
}

/// What `<…>` stands for when it is one of Slack's forms, and its length after the `<`.
fn link(rest: &[char]) -> Option<(String, usize)> {
    let length = rest.iter().take(MAX_LINK).position(|character| *character == '>')?;
    let inner: String = rest.get(..length)?.iter().collect();
    let (target, label) = match inner.split_once('|') {
        Some((target, label)) => (target, Some(label)),
        None => (inner.as_str(), None),
    };
    let unescape = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let meant = if target.starts_with("https://") || target.starts_with("http://") {
        // Slack makes links of bare names: `checkout.io` comes as `<http://checkout.io|checkout.io>`.
        match label.filter(|label| is_bare_name_of(target, label)) {
            Some(label) => unescape(label),
            None => unescape(target),
        }
    } else if let Some(address) = target.strip_prefix("mailto:") {
        unescape(label.unwrap_or(address))
    } else if let Some(number) = target.strip_prefix("tel:") {
        unescape(label.unwrap_or(number))
    } else if target.starts_with('#') {
        label.filter(|label| !label.is_empty()).map_or_else(|| inner.clone(), |label| format!("#{label}"))
    } else if target.starts_with(['@', '!']) {
        format!("<{inner}>")
    } else {
        return None;
    };
    Some((meant, length + 1))
}

fn is_bare_name_of(target: &str, label: &str) -> bool {
    let bare = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")).unwrap_or(target);
    bare.trim_end_matches('/') == label.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<String> {
        Words::parse(text).unwrap().words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_cut_like_a_shell_does() {
        for (text, expected) in [
            ("issue list globex", &["issue", "list", "globex"][..]),
            ("  a\t b\n\nc\u{a0}d ", &["a", "b", "c", "d"]),
            (r#"-q "is:unresolved level:error""#, &["-q", "is:unresolved level:error"]),
            ("-q 'a b'", &["-q", "a b"]),
            (r#"-q='a "b" c'"#, &["-q=a \"b\" c"]),
            (r#""a \"b\" \\ \n c""#, &[r#"a "b" \ \n c"#]),
            (r#"a"b c"d"#, &["ab cd"]),
            (r#""" x"#, &["", "x"]),
            ("what's the users' problem", &["what's", "the", "users'", "problem"]),
            ("what’s up", &["what’s", "up"]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }

    #[test]
    fn what_slack_and_keyboards_change_is_undone() {
        for (text, expected) in [
            ("-q “is:unresolved level:error”", &["-q", "is:unresolved level:error"][..]),
            ("-q=‘a b’", &["-q=a b"]),
            ("“title:\"x y\" z”", &["title:\"x y\" z"]),
            ("“mixed\"", &["mixed"]),
            ("—query x –sort date", &["--query", "x", "--sort", "date"]),
            ("a — b", &["a", "—", "b"]),
            ("<https://globex.sentry.io/issues/1/>", &["https://globex.sentry.io/issues/1/"]),
            (
                "<https://globex.sentry.io/issues/1/?a=1&amp;b=2|globex>",
                &["https://globex.sentry.io/issues/1/?a=1&b=2"],
            ),
            ("issue list <http://shop.io|shop.io>", &["issue", "list", "shop.io"]),
            ("-q user.email:<mailto:ada@globex.example|ada@globex.example>", &["-q", "user.email:ada@globex.example"]),
            ("<#C024BE7LR|general> <@U012AB3CD>", &["#general", "<@U012AB3CD>"]),
            ("-q \"age:&lt;24h a&amp;&amp;b\"", &["-q", "age:<24h a&&b"]),
            ("a < b <c", &["a", "<", "b", "<c"]),
            ("\"url:<https://x.example/a b|x>\"", &["url:https://x.example/a b"]),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }

    #[test]
    fn an_open_quote_is_told_kindly() {
        for text in ["-q \"is:unresolved", "-q 'x", "“x “", "x \""] {
            let problem = Words::parse(text);
            if text == "“x “" {
                assert!(problem.is_ok());
            } else {
                assert!(problem.unwrap_err().problem.contains("without a closing one"), "{text}");
            }
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        assert!(Words::parse(&"x".repeat(MAX_TEXT)).is_ok());
        assert!(Words::parse(&"x".repeat(MAX_TEXT + 1)).unwrap_err().problem.contains("4000"));
    }

    #[test]
    fn an_option_is_read_in_each_of_its_forms() {
        for text in ["-q x", "-q=x", "-qx", "--query x", "--query=x", "—query x", "—query=x", "-q y -q x", "-q “x”"]
        {
            let mut words = Words::parse(text).unwrap();
            assert_eq!(words.option("query", Some('q')).unwrap().as_deref(), Some("x"), "{text}");
            assert!(words.finish().is_ok(), "{text}");
        }
        let mut words = Words::parse("globex -n5 -q \"-x\"").unwrap();
        assert_eq!(words.number("limit", Some('n')), Ok(Some(5)));
        assert_eq!(words.option("query", Some('q')).unwrap().as_deref(), Some("-x"));
        assert_eq!(words.next_word().as_deref(), Some("globex"));
        assert!(words.is_empty());
    }

    #[test]
    fn a_flag_without_its_value_is_told() {
        for text in ["-q", "-q --sort date", "--query -n 5"] {
            let problem = Words::parse(text).unwrap().option("query", Some('q')).unwrap_err().problem;
            assert!(problem.contains("needs a value"), "{text}: {problem}");
        }
        for text in ["-n many", "-n 0", "-n -1", "-n=1.5"] {
            assert!(Words::parse(text).unwrap().number("limit", Some('n')).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_nearest() {
        let mut words = Words::parse("--qurey x").unwrap();
        assert_eq!(words.option("query", Some('q')), Ok(None));
        assert_eq!(words.finish().unwrap_err().problem, "I don't know `--qurey` here. Did you mean `--query`?");
        assert!(Words::parse("extra").unwrap().finish().unwrap_err().problem.contains("`extra`"));
    }

    #[test]
    fn a_switch_is_found_anywhere() {
        let mut words = Words::parse("issue --share list").unwrap();
        assert!(words.switch("share", None));
        assert!(!words.switch("share", None));
        assert_eq!(words.texts(), ["issue", "list"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            if let Ok(mut words) = Words::parse(&text) {
                let _ = words.switch("share", None);
                let _ = words.option("query", Some('q'));
                let _ = words.number("limit", Some('n'));
                let _ = words.next_word();
                let _ = words.finish();
            }
        }

        #[test]
        fn no_heap_of_syntax_makes_it_panic(text in "[-—–\"'“”‘’<>&|\\\\=a;: \u{a0}]{0,60}") {
            if let Ok(mut words) = Words::parse(&text) {
                let _ = words.option("a", Some('a'));
                let _ = words.finish();
            }
        }

        #[test]
        fn a_quoted_word_comes_back_as_it_was(text in "\\PC{0,60}") {
            let text: String = text.chars().filter(|character| !is_deceptive(*character)).collect();
            let escaped = quote(&text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(cut(&escaped), vec![text]);
        }
    }
}
