//! An answer as a Slack message.
//!
//! From top to bottom: the title as a header; the parts, in order; what was left out; the notes; one row of controls.
//! The controls and the notes are what a person goes on with, so their room is set aside first, and it is the parts that
//! are cut when a message is full: always at the end, never in the middle, and never without saying so.

use super::blocks::{Block, Choice, Control, Draft, MAX_ACTIONS, MAX_BLOCKS, MAX_RICH, Message, Reserve, Run};
use super::interactions::action;
use super::mrkdwn::{cut, length, one_line};
use vedette_commands::answer::{Action, Answer, Does, Field, Invocation, Item, Part};

/// More choices of a kind than this become a menu.
const MAX_BUTTONS_OF_A_KIND: usize = 5;
/// An item's summary, in characters: about two lines.
const MAX_SUMMARY: usize = 240;
/// How long a line of fields gets before the next one begins, in characters: about the width of a desktop message.
const FIELDS_LINE: usize = 64;
/// The least room, in weight, worth beginning a cut text in.
const WORTHWHILE: usize = 400;
/// An answer's notes together, in characters.
const MAX_NOTES: usize = 800;
/// The most that the parts may claim before the controls get their room.
const PARTS_CLAIM: usize = 6_000;

/// Renders an answer within Slack's limits, with everything in it treated as plain text (P20).
pub fn render(answer: &Answer) -> Message {
    let pieces: Vec<Piece> = answer.parts.iter().flat_map(pieces).collect();
    // Each takes a block, so those further down cannot be shown, and are only counted.
    let built: Vec<Vec<Block>> = pieces.iter().take(MAX_BLOCKS).map(Piece::blocks).collect();
    let mut draft = Draft::default();
    draft.add(Block::header(&answer.title));

    // 1. The tail at its heaviest: the one built in the end shows fewer items, and gets no more room than this one took.
    let heaviest = LeftOut { items: pieces.iter().filter_map(Piece::item).count(), text: true };
    let claimed: usize = built.iter().map(|blocks| Reserve::of(blocks).weight()).sum();
    let prose = Reserve::of(&prose(answer, heaviest, true)).weight();
    let allowed = draft.room(Reserve::default()).saturating_sub(claimed.min(PARTS_CLAIM)).saturating_sub(prose);
    let items: Vec<&Item> = pieces.iter().take(MAX_BLOCKS).filter_map(Piece::item).collect();
    let menu = items.iter().filter(|item| item.open.is_some()).count() > MAX_BUTTONS_OF_A_KIND;
    let planned = controls(answer, &items, menu, allowed);
    let allowed = planned.weight();
    let reserved = Reserve::of(&tail(answer, heaviest, planned));

    // 2. The parts, until the room is used up.
    let mut shown: Vec<&Item> = Vec::new();
    let mut left_out = LeftOut::default();
    let mut shortened = false;
    for (piece, blocks) in pieces.iter().zip(built.into_iter().map(Some).chain(std::iter::repeat(None))) {
        let full = left_out != LeftOut::default();
        if let Some(blocks) = blocks.filter(|blocks| !full && draft.fits(blocks, reserved)) {
            draft.add(blocks);
            shown.extend(piece.item());
            shortened |= piece.is_long();
            continue;
        }
        if !full {
            draft.add(piece.beginning(&draft, reserved));
        }
        match piece {
            Piece::Item(_) => left_out.items = left_out.items.saturating_add(1),
            Piece::Part(_) => left_out.text = true,
        }
    }

    // 3. The tail.
    left_out.text |= shortened;
    let controls = controls(answer, &shown, menu, allowed);
    draft.add(tail(answer, left_out, controls));
    draft.finish(&fallback(answer))
}

/// What did not fit.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct LeftOut {
    items: usize,
    text: bool,
}

/// What is shown as a whole or not at all.
enum Piece<'a> {
    /// One of a list.
    Item(&'a Item),
    /// Any other part; of a long text its beginning may be shown.
    Part(&'a Part),
}

fn pieces(part: &Part) -> Vec<Piece<'_>> {
    match part {
        Part::Items(items) => items.iter().map(Piece::Item).collect(),
        other => vec![Piece::Part(other)],
    }
}

impl<'a> Piece<'a> {
    fn item(&self) -> Option<&'a Item> {
        match self {
            Piece::Item(item) => Some(item),
            Piece::Part(_) => None,
        }
    }

    fn blocks(&self) -> Vec<Block> {
        match self {
            Piece::Item(it) => item(it),
            Piece::Part(part) => block(part, MAX_RICH).into_iter().collect(),
        }
    }

    /// Whether even a block of its own does not hold all of it.
    fn is_long(&self) -> bool {
        let length: usize = match self {
            Piece::Part(Part::Paragraph(text) | Part::Code(text)) => length(text),
            Piece::Part(Part::Fields(these)) => fields(these).iter().map(Run::length).sum(),
            Piece::Part(Part::Heading(_) | Part::Items(_)) | Piece::Item(_) => 0,
        };
        length > MAX_RICH
    }

    /// As much of the beginning of a text as there is room for.
    fn beginning(&self, draft: &Draft, reserved: Reserve) -> Option<Block> {
        let Piece::Part(part @ (Part::Paragraph(_) | Part::Code(_))) = self else { return None };
        let mut limit = draft.room(reserved);
        while limit >= WORTHWHILE {
            // It weighs what it takes as JSON, where one character may take several.
            let block = block(part, limit).filter(|block| draft.fits(std::slice::from_ref(block), reserved));
            if block.is_some() {
                return block;
            }
            limit = limit.saturating_mul(3) / 4;
        }
        None
    }
}

/// A part that is no list, its text cut at `limit`.
fn block(part: &Part, limit: usize) -> Option<Block> {
    match part {
        Part::Paragraph(text) => Block::rich(&prose_runs(text.trim()), limit),
        Part::Heading(text) => Block::rich(&[Run::bold(&one_line(text))], limit),
        Part::Code(text) => Block::code(text, limit),
        Part::Fields(these) => Block::rich(&fields(these), limit),
        Part::Items(_) => None,
    }
}

/// What stands between pairs of backticks, of `text` as it stands elsewhere: an odd one is no mark. Each piece is told
/// whether it is marked.
fn marked(text: &str) -> Vec<(&str, bool)> {
    let pieces: Vec<&str> = text.split('`').collect();
    let paired = pieces.len() % 2 == 1 && pieces.iter().skip(1).step_by(2).all(|piece| !piece.trim().is_empty());
    if paired { pieces.into_iter().zip([false, true].into_iter().cycle()).collect() } else { vec![(text, false)] }
}

/// A paragraph of our own prose: what is to be typed, between backticks, as code.
fn prose_runs(text: &str) -> Vec<Run> {
    marked(text).into_iter().map(|(piece, code)| if code { Run::code(piece) } else { Run::plain(piece) }).collect()
}

/// The same for small print, which has no code: in quotation marks.
fn small_print(text: &str) -> String {
    marked(text).into_iter().map(|(piece, code)| if code { format!("“{piece}”") } else { piece.to_owned() }).collect()
}

/// `CHECKOUT-API-4F  TypeError: …`, and its facts in small print.
fn item(item: &Item) -> Vec<Block> {
    let mut runs = vec![Run::bold(&one_line(&item.name)).linked(item.link.as_ref())];
    let summary = cut(&one_line(&item.summary), MAX_SUMMARY);
    if !summary.is_empty() {
        runs.push(Run::plain(&format!("{}{summary}", if item.name.is_empty() { "" } else { "  " })));
    }
    let facts: Vec<String> = item.facts.iter().map(|fact| one_line(fact)).filter(|fact| !fact.is_empty()).collect();
    Block::rich(&runs, MAX_RICH).into_iter().chain(Block::context(&facts.join(" · "))).collect()
}

/// Labels in bold, each followed by its value: several on a line while they are short.
fn fields(fields: &[Field]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut line = 0;
    for field in fields {
        let (label, value) = (one_line(&field.label), one_line(&field.value));
        let width = length(&label).saturating_add(length(&value)).saturating_add(4);
        if line > 0 {
            let full = line + width > FIELDS_LINE;
            runs.push(Run::plain(if full { "\n" } else { "   ·   " }));
            line = if full { 0 } else { line + 3 };
        }
        line += width;
        runs.push(Run::bold(&label));
        runs.push(Run::plain("  "));
        runs.push(Run::plain(&value).linked(field.link.as_ref()));
    }
    runs
}

/// What follows the parts.
fn tail(answer: &Answer, left_out: LeftOut, controls: Controls) -> Vec<Block> {
    let mut blocks = prose(answer, left_out, controls.lost);
    blocks.extend(Block::actions(controls.made));
    blocks
}

/// What was left out, and the notes.
fn prose(answer: &Answer, left_out: LeftOut, choices_lost: bool) -> Vec<Block> {
    let notes: Vec<String> = answer.notes.iter().map(|note| small_print(note.trim())).collect();
    let mut notes = vec![cut(&notes.join("\n"), MAX_NOTES)];
    if left_out.text {
        notes.push("This answer was cut to fit into a Slack message.".to_owned());
    }
    if choices_lost {
        notes.push("There are more choices than a Slack message can hold: type what you need.".to_owned());
    }
    let more = Block::rich(&more(answer, left_out), MAX_RICH);
    more.into_iter().chain(Block::context(&notes.join("\n"))).collect()
}

/// What a person can do next: look closer at one of the `shown` items (with a menu, or a button each), see more, the
/// answer's own actions, and Sentry itself.
fn controls(answer: &Answer, shown: &[&Item], menu: bool, allowed: usize) -> Controls {
    let mut rest = Controls::new(allowed, MAX_ACTIONS - MAX_BUTTONS_OF_A_KIND);
    if let Some(next) = answer.more.as_ref().and_then(|more| more.next.as_ref()) {
        rest.buttons(action::MORE, vec![("Show more".to_owned(), next)]);
    }
    rest.actions(&answer.actions);
    if let Some(link) = &answer.link {
        let known = |action: &Action| matches!(&action.does, Does::Open(url) if url == link);
        if !answer.actions.iter().any(known) {
            rest.add(|number| Control::open(number, "Open in Sentry", link));
        }
    }

    // The items' come first in the row, and take the room that the others leave.
    let label = |item: &Item| if menu { described(item) } else { called(item) };
    let choices = shown.iter().filter_map(|item| Some((label(item), item.open.as_ref()?))).collect();
    let mut controls = Controls::new(allowed.saturating_sub(rest.weight()), MAX_BUTTONS_OF_A_KIND);
    controls.number = rest.number;
    if menu {
        let issues = shown.iter().any(|item| opens_issues(item));
        controls.menu(action::RUN, if issues { "Issues of…" } else { "Take a closer look…" }, choices);
    } else {
        controls.buttons(action::RUN, choices);
    }
    controls.followed_by(rest)
}

/// An item on a button: its name, and where choosing it shows something else than the item itself, that.
fn called(item: &Item) -> String {
    let name = [&item.name, &item.summary].into_iter().find(|text| !text.trim().is_empty());
    let name = name.cloned().unwrap_or_default();
    if opens_issues(item) { format!("Issues of {name}") } else { name }
}

/// Whether choosing an item lists the issues in it, as it does for organizations and projects.
fn opens_issues(item: &Item) -> bool {
    item.open.as_ref().is_some_and(|invocation| invocation.command == "issue list")
}

/// An item in a menu: its name and its summary.
fn described(item: &Item) -> String {
    let words: Vec<String> = [&item.name, &item.summary].map(|text| one_line(text)).into();
    words.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}

/// `… and 37 more`, with the way to them.
fn more(answer: &Answer, left_out: LeftOut) -> Vec<Run> {
    let more = answer.more.as_ref();
    if more.is_none() && left_out.items == 0 {
        return Vec::new();
    }
    let here = u64::try_from(left_out.items).unwrap_or(u64::MAX);
    let text = match more.map(|more| more.remaining) {
        Some(Some(remaining)) => format!("… and {} more", grouped(remaining.saturating_add(here))),
        Some(None) => "… and more".to_owned(),
        None => format!("… and {} more", grouped(here)),
    };
    let mut runs = vec![Run::plain(&text)];
    let link = more.and_then(|more| more.link.as_ref()).or(answer.link.as_ref());
    if link.is_some() {
        runs.extend([Run::plain("  "), Run::plain("See all in Sentry").linked(link)]);
    }
    runs
}

/// `12345` as `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The row of controls in the making.
struct Controls {
    made: Vec<Control>,
    /// The number of the last one: each control of a message needs its own.
    number: usize,
    /// Whether a choice found no room.
    lost: bool,
    /// The weight that more of them may take.
    allowed: usize,
    /// How many there may be.
    most: usize,
}

impl Controls {
    fn new(allowed: usize, most: usize) -> Controls {
        Controls { made: Vec::new(), number: 0, lost: false, allowed, most }
    }

    fn weight(&self) -> usize {
        self.made.iter().map(Control::weight).sum()
    }

    fn followed_by(mut self, rest: Controls) -> Controls {
        self.made.extend(rest.made);
        self.lost |= rest.lost;
        self
    }

    fn add(&mut self, make: impl FnOnce(usize) -> Option<Control>) {
        self.number += 1;
        match make(self.number) {
            Some(control) if control.weight() <= self.allowed && self.made.len() < self.most => {
                self.allowed -= control.weight();
                self.made.push(control);
            }
            _ => self.lost = true,
        }
    }

    /// Adds a control that there can be only one of: its id has no number.
    fn add_once(&mut self, control: Option<Control>) {
        if !self.made.iter().any(|made| control.as_ref().is_some_and(|control| control.has_id_of(made))) {
            self.add(|_| control);
        }
    }

    /// A button for each command.
    fn buttons(&mut self, action: &str, choices: Vec<(String, &Invocation)>) {
        for (label, invocation) in choices {
            self.add(|number| Control::run(action, number, &label, invocation));
        }
    }

    /// One menu of commands.
    fn menu(&mut self, action: &str, placeholder: &str, choices: Vec<(String, &Invocation)>) {
        let all = choices.len();
        let choices: Vec<Choice> = choices.into_iter().filter_map(|(label, it)| Choice::new(&label, it)).collect();
        let mut held = 0;
        let allowed = self.allowed;
        if !choices.is_empty() {
            self.add(|number| {
                let (menu, count) = Control::menu(action, number, placeholder, &choices, allowed)?;
                held = count;
                Some(menu)
            });
        }
        self.lost |= held < all;
    }

    /// An answer's own actions in their order; those that run one same command go together.
    fn actions(&mut self, actions: &[Action]) {
        let mut offered: Vec<(&str, &str)> = Vec::new();
        for action in actions {
            match &action.does {
                Does::Run(_) | Does::Instead(_) => {
                    let Some((kind, invocation)) = command(action) else { continue };
                    let key = (kind, invocation.command.as_str());
                    if offered.contains(&key) {
                        continue;
                    }
                    offered.push(key);
                    let is_alike =
                        |other: &Action| command(other).is_some_and(|(kind, it)| (kind, it.command.as_str()) == key);
                    let alike = actions.iter().filter(|other| is_alike(other));
                    let alike: Vec<_> =
                        alike.filter_map(|other| Some((other.label.clone(), command(other)?.1))).collect();
                    if alike.len() > MAX_BUTTONS_OF_A_KIND {
                        self.menu(kind, "Choose one…", alike);
                    } else {
                        self.buttons(kind, alike);
                    }
                }
                Does::Open(url) => self.add(|number| Control::open(number, &action.label, url)),
                Does::Connect => self.add_once(Control::connect(&action.label)),
                Does::Disconnect => self.add_once(Control::disconnect(&action.label)),
            }
        }
    }
}

/// The command that an action runs, and how.
fn command(action: &Action) -> Option<(&'static str, &Invocation)> {
    match &action.does {
        Does::Run(invocation) => Some((action::RUN, invocation)),
        Does::Instead(invocation) => Some((action::INSTEAD, invocation)),
        Does::Open(_) | Does::Connect | Does::Disconnect => None,
    }
}

/// The title and the beginning of the content.
fn fallback(answer: &Answer) -> String {
    let mut lines = vec![one_line(&answer.title)];
    for part in &answer.parts {
        match part {
            Part::Paragraph(text) | Part::Heading(text) => lines.push(one_line(text)),
            Part::Fields(fields) => {
                lines.extend(
                    fields.iter().take(6).map(|it| format!("{}: {}", one_line(&it.label), one_line(&it.value))),
                );
            }
            Part::Items(items) => {
                lines
                    .extend(items.iter().take(5).map(|it| format!("{} {}", one_line(&it.name), one_line(&it.summary))));
            }
            Part::Code(_) => {}
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use url::Url;

    use super::super::limits::violations;
    use super::*;
    use vedette_commands::answer::More;

    fn url(text: &str) -> Option<Url> {
        Some(Url::parse(text).unwrap())
    }

    fn run(command: &str, parameters: Value) -> Invocation {
        Invocation { command: command.to_owned(), parameters }
    }

    fn words(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn field(label: &str, value: &str) -> Field {
        Field { label: label.to_owned(), value: value.to_owned(), link: None }
    }

    fn issue(number: usize) -> Item {
        let name = format!("CHECKOUT-API-{number}");
        Item {
            link: url(&format!("https://globex.sentry.io/issues/45040446{number}/")),
            summary: "TypeError: Cannot read properties of undefined (reading 'total')".to_owned(),
            facts: words(&["error", "1,204 events", "311 people", "3 minutes ago"]),
            open: Some(run("issue view", json!({"organization": "globex", "issue": name}))),
            name,
        }
    }

    fn issues(count: usize) -> Answer {
        Answer {
            title: "Unresolved issues in globex/checkout-api".to_owned(),
            link: url("https://globex.sentry.io/issues/?project=42"),
            parts: vec![Part::Items((1..=count).map(issue).collect())],
            ..Answer::default()
        }
    }

    /// Renders, and holds the message against Slack's limits.
    fn rendered(answer: &Answer) -> Message {
        let message = render(answer);
        assert_eq!(violations(&message), Vec::<String>::new());
        message
    }

    fn snapshot(name: &str, answer: &Answer) {
        insta::assert_snapshot!(name, serde_json::to_string_pretty(&rendered(answer)).unwrap());
    }

    /// Everything that people read in a message, in order.
    fn read(message: &Message) -> String {
        fn collect(value: &Value, into: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    into.extend(fields.get("text").and_then(Value::as_str).map(str::to_owned));
                    fields.values().for_each(|value| collect(value, into));
                }
                Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
                _ => {}
            }
        }
        let mut read = Vec::new();
        message.blocks.iter().for_each(|block| collect(block, &mut read));
        read.join("\n")
    }

    fn elements<'a>(message: &'a Message, kind: &str) -> Vec<&'a Value> {
        let actions = message.blocks.iter().filter(|block| block["type"] == "actions");
        let elements = actions.flat_map(|block| block["elements"].as_array().unwrap());
        elements.filter(|element| element["type"] == kind).collect()
    }

    #[test]
    fn a_list_of_issues() {
        let mut answer = issues(3);
        answer.more = Some(More {
            remaining: Some(1_037),
            link: url("https://globex.sentry.io/issues/?project=42"),
            next: Some(run(
                "issue list",
                json!({"organization": "globex", "project": "checkout-api", "cursor": "0:3:0"}),
            )),
        });
        answer.notes = words(&["Sorted by last seen, over the last 14 days."]);
        snapshot("issue_list", &answer);
    }

    #[test]
    fn one_issue_with_its_stack_trace() {
        let answer = Answer {
            title: "CHECKOUT-API-4F: TypeError: Cannot read properties of undefined".to_owned(),
            link: url("https://globex.sentry.io/issues/4504044637/"),
            parts: vec![
                Part::Fields(vec![
                    field("Status", "unresolved"),
                    field("Level", "error"),
                    field("Events", "1,204"),
                    field("People", "311"),
                    field("First seen", "2 days ago"),
                    field("Last seen", "3 minutes ago"),
                    Field {
                        label: "Release".to_owned(),
                        value: "checkout-api@2.14.1".to_owned(),
                        link: url("https://globex.sentry.io/releases/checkout-api@2.14.1/"),
                    },
                    field("Culprit", "computeTotals(src/cart/totals.ts)"),
                ]),
                Part::Heading("Most recent event".to_owned()),
                Part::Paragraph("Cannot read properties of undefined (reading 'total')".to_owned()),
                Part::Code("TypeError: Cannot read properties of undefined (reading 'total')\n  at computeTotals (src/cart/totals.ts:42:17)\n  at async checkout (src/routes/checkout.ts:88:5)".to_owned()),
            ],
            actions: vec![
                Action { label: "Trace".to_owned(), does: Does::Run(run("trace view", json!({"trace": "771a43a4192642f0b136d5159a501700"}))) },
                Action { label: "Events".to_owned(), does: Does::Run(run("event list", json!({"issue": "CHECKOUT-API-4F"}))) },
                Action { label: "Runbook".to_owned(), does: Does::Open(Url::parse("https://wiki.globex.example/checkout").unwrap()) },
            ],
            ..Answer::default()
        };
        snapshot("issue_view", &answer);
    }

    #[test]
    fn a_choice_of_organizations_is_a_menu_when_there_are_many_and_buttons_when_there_are_few() {
        let choose = |count: usize| Answer {
            title: "Which organization?".to_owned(),
            parts: vec![Part::Paragraph("You have access to several. Choose one, and I'll remember it.".to_owned())],
            actions: (1..=count)
                .map(|number| Action {
                    label: format!("globex-{number}"),
                    does: Does::Run(run("issue list", json!({"organization": format!("globex-{number}")}))),
                })
                .collect(),
            ..Answer::default()
        };
        snapshot("choose_organization", &choose(6));
        let few = rendered(&choose(5));
        assert_eq!((elements(&few, "button").len(), elements(&few, "static_select").len()), (5, 0));
        let many = rendered(&choose(300));
        let options = elements(&many, "static_select")[0]["options"].as_array().unwrap().len();
        assert!((60..=100).contains(&options), "{options}");
        assert!(read(&many).contains("There are more choices"));
    }

    #[test]
    fn connecting_and_disconnecting_are_buttons_of_their_own_kinds() {
        let answer = Answer {
            title: "Connected as ada@globex.example".to_owned(),
            parts: vec![Part::Fields(vec![field("Host", "sentry.io"), field("Expires", "in 29 days")])],
            actions: vec![
                Action { label: "Reconnect".to_owned(), does: Does::Connect },
                Action { label: "Disconnect".to_owned(), does: Does::Disconnect },
            ],
            notes: words(&["Authenticated via OAuth."]),
            ..Answer::default()
        };
        snapshot("status", &answer);
    }

    #[test]
    fn hostile_titles_are_just_characters_p20() {
        let hostile = "<!channel> *bold* _it_ ~no~ `code` <@U0ADMIN> <https://evil.example|Sentry> :boom: \u{202E}&lt;!here&gt;\n> quoted";
        let answer = Answer {
            title: hostile.to_owned(),
            parts: vec![
                Part::Heading(hostile.to_owned()),
                Part::Paragraph(hostile.to_owned()),
                Part::Fields(vec![field(hostile, hostile)]),
                Part::Items(vec![Item {
                    name: hostile.to_owned(),
                    summary: hostile.to_owned(),
                    facts: words(&[hostile]),
                    ..Item::default()
                }]),
                Part::Code(hostile.to_owned()),
            ],
            notes: words(&[hostile]),
            actions: vec![Action { label: hostile.to_owned(), does: Does::Connect }],
            ..Answer::default()
        };
        snapshot("hostile", &answer);
    }

    #[test]
    fn what_is_to_be_typed_is_code_and_in_small_print_quoted() {
        let answer = Answer {
            parts: vec![Part::Paragraph("Did you mean `issue list`?".to_owned())],
            notes: words(&["`help` shows everything.", "an odd ` stays"]),
            ..Answer::default()
        };
        let message = rendered(&answer);
        let runs = &message.blocks[0]["elements"][0]["elements"];
        assert_eq!(runs[1], serde_json::json!({"type": "text", "text": "issue list", "style": {"code": true}}));
        assert_eq!(message.blocks[1]["elements"][0]["text"], "“help” shows everything.\nan odd ` stays");
    }

    #[test]
    fn a_thousand_items_are_cut_with_a_count_of_those_left_out_p20() {
        let message = rendered(&issues(1_000));
        let shown = message.blocks.iter().filter(|block| block["type"] == "context").count();
        assert!(shown >= 10, "{shown}");
        assert!(read(&message).contains(&format!("… and {} more", 1_000 - shown)), "{}", read(&message));
        assert!(read(&message).contains("See all in Sentry"));
        let options = elements(&message, "static_select")[0]["options"].as_array().unwrap().len();
        assert_eq!(options, shown, "the menu offers what is shown");
    }

    #[test]
    fn items_left_out_here_are_added_to_those_that_sentry_left_out() {
        let mut answer = issues(1_000);
        answer.more = Some(More { remaining: Some(5_000), link: None, next: None });
        let message = rendered(&answer);
        let shown = message.blocks.iter().filter(|block| block["type"] == "context").count();
        assert!(read(&message).contains(&format!("… and {} more", grouped(6_000 - shown as u64))));
        answer.more = Some(More { remaining: None, link: None, next: None });
        assert!(read(&rendered(&answer)).contains("… and more"));
    }

    #[test]
    fn a_long_text_is_cut_with_a_note_and_what_a_person_can_do_next_stays() {
        let line = "  at \"frame\" (src/\\path.ts:42:17)\n";
        let answer = Answer {
            title: "t".repeat(500),
            link: url("https://globex.sentry.io/issues/1/"),
            parts: (0..8).map(|_| Part::Code(line.repeat(300))).collect(),
            ..Answer::default()
        };
        let message = rendered(&answer);
        assert!(read(&message).contains("This answer was cut to fit into a Slack message."));
        assert_eq!(elements(&message, "button").len(), 1);
        let one = Answer { parts: vec![Part::Code(line.repeat(120))], ..Answer::default() };
        assert!(read(&rendered(&one)).contains("This answer was cut to fit into a Slack message."));
        let short = Answer { parts: vec![Part::Code(line.repeat(50))], ..Answer::default() };
        assert!(!read(&rendered(&short)).contains("This answer was cut"));
    }

    #[test]
    fn an_empty_answer_is_still_a_message() {
        let message = rendered(&Answer::default());
        assert_eq!((message.text.as_str(), message.blocks.len()), ("Sentry", 0));
    }

    #[test]
    fn a_command_too_long_for_a_button_is_left_out_with_a_note() {
        let long = run("issue list", json!({"query": "x".repeat(2_000)}));
        let answer = Answer {
            title: "Issues".to_owned(),
            actions: vec![Action { label: "Again".to_owned(), does: Does::Run(long) }],
            ..Answer::default()
        };
        let message = rendered(&answer);
        assert!(elements(&message, "button").is_empty());
        assert!(read(&message).contains("There are more choices"));
    }

    #[test]
    fn the_button_to_sentry_is_there_once() {
        let mut answer = issues(0);
        answer.actions =
            vec![Action { label: "All issues".to_owned(), does: Does::Open(answer.link.clone().unwrap()) }];
        assert_eq!(elements(&rendered(&answer), "button").len(), 1);
    }

    #[test]
    fn a_link_that_slack_would_not_follow_is_text() {
        let mut answer = issues(1);
        let long = format!("https://globex.sentry.io/{}", "x".repeat(4_000));
        for link in ["javascript:alert(1)", "slack://open", long.as_str()] {
            answer.parts = vec![Part::Items(vec![Item { name: "X-1".to_owned(), link: url(link), ..Item::default() }])];
            answer.link = url(link);
            assert!(!rendered(&answer).blocks.iter().any(|block| block.to_string().contains(link)), "{link}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[ -~\n]{0,60}",
            2 => ".{0,60}",
            1 => "(<!channel>|<@U0ADMIN>|<http://evil.example\\|x>|\\*|_|`|&|\n|\"|\u{202E}|\u{0}|🦀){0,12}",
            1 => "[a\"\\\\🦀]{0,4}".prop_map(|seed: String| seed.repeat(1_000)),
        ]
    }

    fn any_link() -> impl Strategy<Value = Option<Url>> {
        prop_oneof![
            Just(None),
            (0usize..3_500).prop_map(|length| url(&format!("https://globex.sentry.io/{}", "x".repeat(length)))),
            Just(url("javascript:alert(1)")),
        ]
    }

    fn any_invocation() -> impl Strategy<Value = Invocation> {
        ("issue (list|view)", any_text()).prop_map(|(command, query)| run(&command, json!({"query": query})))
    }

    fn many<T: Strategy>(strategy: T, most: usize) -> impl Strategy<Value = Vec<T::Value>>
    where
        T::Value: Clone,
    {
        // A few, or very many of the same few.
        (prop::collection::vec(strategy, 0..6), prop_oneof![3 => Just(1), 1 => 1..=most])
            .prop_map(|(some, times)| some.iter().cycle().take(some.len() * times).cloned().collect())
    }

    fn any_item() -> impl Strategy<Value = Item> {
        (any_text(), any_link(), any_text(), many(any_text(), 20), prop::option::of(any_invocation()))
            .prop_map(|(name, link, summary, facts, open)| Item { name, link, summary, facts, open })
    }

    fn any_part() -> impl Strategy<Value = Part> {
        let field = (any_text(), any_text(), any_link()).prop_map(|(label, value, link)| Field { label, value, link });
        prop_oneof![
            any_text().prop_map(Part::Paragraph),
            any_text().prop_map(Part::Heading),
            any_text().prop_map(Part::Code),
            many(field, 20).prop_map(Part::Fields),
            many(any_item(), 60).prop_map(Part::Items),
        ]
    }

    fn any_answer() -> impl Strategy<Value = Answer> {
        let does = prop_oneof![
            4 => any_invocation().prop_map(Does::Run),
            1 => any_link().prop_filter_map("a page", |link| link.map(Does::Open)),
            1 => Just(Does::Connect),
            1 => Just(Does::Disconnect),
        ];
        let action = (any_text(), does).prop_map(|(label, does)| Action { label, does });
        let more = (prop::option::of(any::<u64>()), any_link(), prop::option::of(any_invocation()))
            .prop_map(|(remaining, link, next)| More { remaining, link, next });
        (any_text(), any_link(), many(any_part(), 12), prop::option::of(more), many(any_text(), 10), many(action, 40))
            .prop_map(|(title, link, parts, more, notes, actions)| Answer {
                title,
                link,
                parts,
                more,
                notes,
                actions,
                ..Answer::default()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_answer_goes_over_slacks_limits_or_becomes_markup_p20(answer in any_answer()) {
            let message = render(&answer);
            prop_assert_eq!(violations(&message), Vec::<String>::new());
        }
    }
}
