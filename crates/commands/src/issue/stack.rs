//! An event's stack trace as text: the frames of the application itself, the most recent call first.

use crate::say;
use vedette_sentry::types::{Event, Exception, Frame, Stacktrace, Thread};

/// Frames of one exception.
const MAX_FRAMES: usize = 10;
/// Exceptions of one chain.
const MAX_EXCEPTIONS: usize = 3;
/// The whole text; Slack takes 3,000 characters in a block.
const MAX_TEXT: usize = 2_600;

/// What an event says about where it happened.
#[derive(Debug, PartialEq, Eq)]
pub struct Stack {
    /// The text, several lines.
    pub text: String,
    /// What was left out, for the small print.
    pub note: Option<String>,
}

/// The stack trace of `event`: of its exceptions, else of the thread that crashed, else of the current one, else of the event
/// itself.
pub fn stack(event: &Event) -> Option<Stack> {
    let exceptions = event.entries.exceptions.as_ref().map(|it| it.values.as_slice()).unwrap_or_default();
    let mut lines = Vec::new();
    let mut hidden = 0;
    let mut shown: Vec<&Stacktrace> = Vec::new();
    // Sentry has the cause first; people look at what was raised in the end.
    for (index, exception) in exceptions.iter().rev().take(MAX_EXCEPTIONS).enumerate() {
        if index > 0 {
            lines.push("Caused by:".to_owned());
        }
        lines.push(headline(exception));
        let own = exception.stacktrace.as_ref().filter(|trace| !trace.frames.is_empty());
        let named = || thread_named(event, exception.thread_id.as_deref()?);
        // Only what was raised in the end was surely raised where a thread now is.
        let trace = own.or_else(named).or_else(|| (index == 0).then(|| thread_of_interest(event))?);
        // Exceptions of one chain often name one thread.
        if let Some(trace) = trace.filter(|trace| !shown.iter().any(|shown| std::ptr::eq(*shown, *trace))) {
            hidden += frames(trace, &mut lines);
            shown.push(trace);
        }
    }
    let left = exceptions.len().saturating_sub(MAX_EXCEPTIONS);
    if left > 0 {
        lines.push(format!("… and {} before it", say::counted(left as u64, "cause", "causes")));
    }
    if exceptions.is_empty() {
        hidden += frames(bare_trace(event)?, &mut lines);
    }
    let whole = lines.join("\n");
    let text = say::block(&whole, MAX_TEXT);
    if text.is_empty() {
        return None;
    }
    let note = (hidden > 0)
        .then(|| format!("{} not shown.", say::counted(hidden, "frame of libraries is", "frames of libraries are")));
    Some(Stack { text, note })
}

/// What the program logged, when the event has no stack trace.
pub fn message(event: &Event) -> Option<String> {
    let said = event.entries.message.as_ref().and_then(|said| said.formatted.as_deref().or(said.message.as_deref()));
    let text = say::block(said.or(event.message.as_deref())?, 1_000);
    (!text.is_empty()).then_some(text)
}

/// The trace of an event without exceptions.
fn bare_trace(event: &Event) -> Option<&Stacktrace> {
    thread_of_interest(event).or(event.entries.stacktrace.as_ref())
}

/// The trace of the thread that crashed, else of the current one.
fn thread_of_interest(event: &Event) -> Option<&Stacktrace> {
    let crashed = |thread: &Thread| thread.crashed == Some(true);
    let current = |thread: &Thread| thread.current == Some(true);
    thread_where(event, crashed).or_else(|| thread_where(event, current))
}

fn thread_named<'e>(event: &'e Event, id: &str) -> Option<&'e Stacktrace> {
    thread_where(event, |thread| thread.id.as_deref() == Some(id))
}

/// The trace of the first thread that fits and has one.
fn thread_where(event: &Event, fits: impl Fn(&Thread) -> bool) -> Option<&Stacktrace> {
    let threads = event.entries.threads.as_ref()?.values.iter();
    let mut traces = threads.filter(|thread| fits(thread)).filter_map(|thread| thread.stacktrace.as_ref());
    traces.find(|trace| !trace.frames.is_empty())
}

fn headline(exception: &Exception) -> String {
    let kind = exception.kind.as_deref().unwrap_or("Error");
    match &exception.value {
        Some(value) => say::line(&format!("{kind}: {value}"), 300),
        None => say::line(kind, 300),
    }
}

/// Writes the frames of the application, or of everything when none is marked so; returns how many are hidden.
fn frames(trace: &Stacktrace, lines: &mut Vec<String>) -> u64 {
    let own: Vec<&Frame> = trace.frames.iter().rev().filter(|frame| frame.in_app == Some(true)).collect();
    let chosen: Vec<&Frame> = if own.is_empty() { trace.frames.iter().rev().collect() } else { own };
    for frame in chosen.iter().take(MAX_FRAMES) {
        lines.push(format!("  at {}", place(frame)));
        let source = frame.source_line().map(|source| say::line(source, 160)).filter(|source| !source.is_empty());
        lines.extend(source.map(|source| format!("      {source}")));
    }
    let more = chosen.len().saturating_sub(MAX_FRAMES);
    if more > 0 {
        lines.push(format!("  … {} more", say::count(more as u64)));
    }
    (trace.frames.len() - chosen.len()) as u64
}

/// `charge (src/payments/charge.py:88)`.
fn place(frame: &Frame) -> String {
    let file = frame.filename.as_deref().or(frame.abs_path.as_deref()).or(frame.module.as_deref());
    let file = file.map(|file| match frame.line_no {
        Some(line) => format!("{}:{line}", say::line(file, 120)),
        None => say::line(file, 120),
    });
    let function = frame.function.as_deref().map(|function| say::line(function, 100));
    match (function, file) {
        (Some(function), Some(file)) => format!("{function} ({file})"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "somewhere".to_owned(),
    }
}
