//! An answer as a Slack message.
//!
//! From top to bottom: the title as a header; the parts, in order; what was left out; the notes; one row of controls.
//! The controls and the notes are what a person goes on with, so their room is set aside first, and it is the parts that
//! are cut when a message is full: always at the end, never in the middle, and never without saying so.

use super::blocks::{Block, Choice, Control, Draft, MAX_ACTIONS, MAX_OPTIONS, MAX_RICH, Message, Reserve, Run};
use super::mrkdwn::{cut, length, one_line};
use crate::commands::answer::{Action, Answer, Does, Field, Invocation, Item, Part};

/// More choices of a kind than this become a menu.
const MAX_BUTTONS_OF_A_KIND: usize = 5;
/// One preformatted part, in characters: more would push the rest of the answer out of sight.
const MAX_CODE: usize = 2_900;
/// An item's summary, in characters: about two lines.
const MAX_SUMMARY: usize = 240;
/// How long a line of fields gets before the next one begins, in characters: about the width of a desktop message.
const FIELDS_LINE: usize = 64;
/// The least room, in weight, worth beginning a cut text in.
const WORTHWHILE: usize = 400;
/// An answer's notes together, in characters.
const MAX_NOTES: usize = 800;
/// What a menu weighs besides its options, generously.
const MENU_FRAME: usize = 200;
/// The most that the parts may claim before the controls get their room.
const PARTS_CLAIM: usize = 6_000;

/// Renders an answer within Slack's limits, with everything in it treated as plain text (P20).
pub fn render(answer: &Answer) -> Message {
    let pieces: Vec<Piece> = answer.parts.iter().flat_map(pieces).collect();
    let items: Vec<&Item> = pieces.iter().filter_map(|piece| piece.item).collect();
    let mut draft = Draft::default();
    draft.add(Block::header(&answer.title));

    // 1. The tail at its heaviest: the one built in the end shows fewer items, and gets no more room than this one took.
    let claimed: usize = pieces.iter().map(|piece| Reserve::of(&piece.blocks).weight()).sum();
    let heaviest = LeftOut { items: items.len(), text: true };
    let prose = Reserve::of(&prose(answer, heaviest, true)).weight();
    let allowed = draft.room(Reserve::default()).saturating_sub(claimed.min(PARTS_CLAIM)).saturating_sub(prose);
    let menu = items.iter().filter(|item| item.open.is_some()).count() > MAX_BUTTONS_OF_A_KIND;
    let planned = controls(answer, &items, menu, allowed);
    let allowed = planned.weight();
    let reserved = Reserve::of(&tail(answer, heaviest, planned));

    // 2. The parts, until the room is used up.
    let mut shown: Vec<&Item> = Vec::new();
    let mut left_out = LeftOut::default();
    for piece in pieces {
        let full = left_out != LeftOut::default();
        if !full && draft.fits(&piece.blocks, reserved) {
            draft.add(piece.blocks);
            shown.extend(piece.item);
            continue;
        }
        if !full && let Some(block) = piece.text.and_then(|text| begin(text, &draft, reserved)) {
            draft.add([block]);
        }
        match piece.item {
            Some(_) => left_out.items = left_out.items.saturating_add(1),
            None => left_out.text = true,
        }
    }

    // 3. The tail.
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

/// Blocks that are shown together or not at all.
struct Piece<'a> {
    blocks: Vec<Block>,
    /// The item that they show.
    item: Option<&'a Item>,
    /// What they show, when its beginning alone is worth showing.
    text: Option<&'a Part>,
}

fn pieces(part: &Part) -> Vec<Piece<'_>> {
    let whole = |block: Option<Block>, text| {
        block.into_iter().map(move |block| Piece { blocks: vec![block], item: None, text }).collect()
    };
    match part {
        Part::Paragraph(text) => whole(Block::rich(&[Run::plain(text.trim())], MAX_RICH), Some(part)),
        Part::Heading(text) => whole(Block::rich(&[Run::bold(&one_line(text))], MAX_RICH), None),
        Part::Code(text) => whole(Block::code(text, MAX_CODE), Some(part)),
        Part::Fields(these) => whole(Block::rich(&fields(these), MAX_RICH), None),
        Part::Items(items) => items.iter().map(|it| Piece { blocks: item(it), item: Some(it), text: None }).collect(),
    }
}

/// As much of the beginning of a text as there is room for.
fn begin(part: &Part, draft: &Draft, reserved: Reserve) -> Option<Block> {
    let mut limit = draft.room(reserved);
    while limit >= WORTHWHILE {
        // Its weight is that of JSON, in which a character may take several.
        let block = match part {
            Part::Code(text) => Block::code(text, limit.min(MAX_CODE)),
            Part::Paragraph(text) => Block::rich(&[Run::plain(text.trim())], limit),
            _ => None,
        };
        if let Some(block) = block.filter(|block| draft.fits(std::slice::from_ref(block), reserved)) {
            return Some(block);
        }
        limit = limit.saturating_mul(3) / 4;
    }
    None
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
    let notes: Vec<String> = answer.notes.iter().map(|note| note.trim().to_owned()).collect();
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
        rest.buttons(vec![("Show more".to_owned(), next)]);
    }
    rest.actions(&answer.actions);
    if let Some(link) = &answer.link {
        let known = |action: &Action| matches!(&action.does, Does::Open(url) if url == link);
        if !answer.actions.iter().any(known) {
            rest.add(|number| Control::open(number, "Open in Sentry", link));
        }
    }

    // The items' come first in the row, and take the room that the others leave.
    let choices = shown.iter().filter_map(|item| Some((closer_look(item), item.open.as_ref()?))).collect();
    let mut controls = Controls::new(allowed.saturating_sub(rest.weight()), MAX_BUTTONS_OF_A_KIND);
    controls.number = rest.number;
    if menu {
        controls.menu("Take a closer look…", choices);
    } else {
        controls.buttons(choices);
    }
    controls.followed_by(rest)
}

fn closer_look(item: &Item) -> String {
    let summary = one_line(&item.summary);
    if summary.is_empty() { item.name.clone() } else { format!("{}: {summary}", item.name) }
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

    /// A button for each command.
    fn buttons(&mut self, choices: Vec<(String, &Invocation)>) {
        for (label, invocation) in choices {
            self.add(|number| Control::run(number, &label, invocation));
        }
    }

    /// One menu of commands.
    fn menu(&mut self, placeholder: &str, choices: Vec<(String, &Invocation)>) {
        let mut options: Vec<Choice> = Vec::new();
        let mut room = self.allowed.saturating_sub(MENU_FRAME);
        for (label, invocation) in choices {
            match Choice::new(&label, invocation) {
                Some(choice) if choice.weight() <= room && options.len() < MAX_OPTIONS => {
                    room -= choice.weight();
                    options.push(choice);
                }
                _ => self.lost = true,
            }
        }
        if !options.is_empty() {
            self.add(|number| Control::select(number, placeholder, options));
        }
    }

    /// An answer's own actions in their order; those that run one same command go together.
    fn actions(&mut self, actions: &[Action]) {
        let mut offered: Vec<&str> = Vec::new();
        for action in actions {
            match &action.does {
                Does::Run(invocation) if offered.contains(&invocation.command.as_str()) => {}
                Does::Run(invocation) => {
                    offered.push(&invocation.command);
                    let alike = actions.iter().filter_map(|action| match &action.does {
                        Does::Run(it) if it.command == invocation.command => Some((action.label.clone(), it)),
                        _ => None,
                    });
                    let alike: Vec<_> = alike.collect();
                    if alike.len() > MAX_BUTTONS_OF_A_KIND {
                        self.menu("Choose one…", alike);
                    } else {
                        self.buttons(alike);
                    }
                }
                Does::Open(url) => self.add(|number| Control::open(number, &action.label, url)),
                Does::Connect => self.add(|_| Control::connect(&action.label)),
                Does::Disconnect => self.add(|_| Control::disconnect(&action.label)),
            }
        }
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
