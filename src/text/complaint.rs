//! One error type for everything a person wrote: what is wrong, where it stands, what would be right.
//!
//! A [`Complaint`] is data (message, place, allowed words, hints). It is worded as a cause, in lower case, to stand
//! below a headline made elsewhere. **Invariant:** never coloured unless the caller asks for it by [`Paint`], and
//! never carries a line or column that does not exist in the text it shows.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::core::nearest::nearest;

/// What is wrong with a text, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    message: String,
    place: Option<Box<Place>>,
    allowed: Vec<String>,
    hints: Vec<String>,
}

/// A stretch of a named text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    file: String,
    source: String,
    span: Range<usize>,
}

/// Whether a rendered complaint carries terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    #[default]
    Plain,
    Coloured,
}

impl Complaint {
    /// A complaint without a place; `message` is lower case, names the value found, and has no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            allowed: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// The same complaint, standing at `place`.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// The same complaint with the words that would have been right.
    #[must_use]
    pub fn allow<S: AsRef<str>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.allowed
            .extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// The same complaint with one more thing to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same complaint with "did you mean" in front of its hints, if a word in `known` is close to `found`.
    #[must_use]
    pub fn spelling<S: AsRef<str>>(
        mut self,
        found: &str,
        known: impl IntoIterator<Item = S>,
    ) -> Self {
        if let Some(word) = nearest(found, known) {
            self.hints.insert(0, format!("did you mean `{word}`?"));
        }
        self
    }

    /// The bare sentence, without place or hints.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where the fault stands, if it stands in a text.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    /// Every word that would have been right, when there is a closed list of them.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// What to try, the likeliest first.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The sentence, the source line with the fault underlined, the allowed words and the hints, on several lines and
    /// without a line end after the last.
    pub fn render(&self, paint: Paint) -> String {
        let title = Level::ERROR.no_name().primary_title(self.message.as_str());
        renderer(paint).render(&[self.annotate(Group::with_title(title))])
    }

    /// As [`Complaint::render`] without the sentence, for a caller that has said it already (the [`fmt::Display`]
    /// form); `None` when there is nothing more to say.
    pub fn details(&self, paint: Paint) -> Option<String> {
        let group = self.annotate(Group::with_level(Level::ERROR));
        (!group.is_empty()).then(|| renderer(paint).render(&[group]))
    }

    fn annotate<'a>(&'a self, mut group: Group<'a>) -> Group<'a> {
        if let Some(place) = &self.place {
            let mark = AnnotationKind::Primary.span(place.span.clone());
            let snippet = Snippet::source(place.source.as_str()).path(place.file.as_str());
            group = group.element(snippet.annotation(mark));
        }
        if !self.allowed.is_empty() {
            let words = format!("allowed: {}", self.allowed.join(", "));
            group = group.element(Level::NOTE.no_name().message(words));
        }
        let hints = self.hints.iter();
        group.elements(hints.map(|hint| Level::HELP.with_name("hint").message(hint.as_str())))
    }
}

/// `file:line:column: message`, on one line.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Complaint {}

impl Place {
    /// The bytes `span` of `source`, which is the whole text of `file`. A span outside the text, or not on character
    /// bounds, is pulled to the nearest bound inside it; one that leaves its line ends with the line.
    pub fn new(file: &str, source: &str, span: Range<usize>) -> Self {
        let start = source.floor_char_boundary(span.start);
        let end = source.ceil_char_boundary(span.end.max(start));
        let line = source[start..end].find(['\r', '\n']);
        let end = line.map_or(end, |length| start + length);
        Self {
            file: file.to_owned(),
            source: source.to_owned(),
            span: start..end,
        }
    }

    /// The file's name as the caller gave it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        let before = self.before();
        let line = before.rsplit('\n').next().unwrap_or(before);
        line.chars().count() + 1
    }

    /// The text that stands there.
    pub fn found(&self) -> &str {
        &self.source[self.span.clone()]
    }

    fn before(&self) -> &str {
        &self.source[..self.span.start]
    }
}

/// `file:line:column`, as editors and terminals link it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line(), self.column())
    }
}

fn renderer(paint: Paint) -> Renderer {
    match paint {
        Paint::Plain => Renderer::plain(),
        Paint::Coloured => Renderer::styled(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_key() -> Complaint {
        let source = "services:\n  wéb: { clutser: a }\n";
        let start = source.find("clutser").unwrap();
        Complaint::new("unknown key `clutser`")
            .at(Place::new("ecsdeploy.yml", source, start..start + 7))
            .allow(["cluster", "service"])
            .spelling("clutser", ["cluster", "service"])
    }

    #[test]
    fn one_line_names_file_line_and_column_in_characters() {
        let line = "ecsdeploy.yml:2:10: unknown key `clutser`";
        assert_eq!(unknown_key().to_string(), line);
        assert_eq!(unknown_key().place().unwrap().found(), "clutser");
    }

    #[test]
    fn many_lines_show_the_source_the_allowed_words_and_the_hint() {
        insta::assert_snapshot!(unknown_key().render(Paint::Plain), @r"
        unknown key `clutser`
         --> ecsdeploy.yml:2:10
          |
        2 |   wéb: { clutser: a }
          |          ^^^^^^^
          |
          = allowed: cluster, service
          = hint: did you mean `cluster`?
        ");
    }

    #[test]
    fn details_leave_the_sentence_to_the_caller() {
        let details = unknown_key().details(Paint::Plain).unwrap();
        assert!(!details.contains("unknown key"), "{details}");
        assert!(details.contains("^^^^^^^"), "{details}");
        assert_eq!(Complaint::new("no").details(Paint::Plain), None);
    }

    #[test]
    fn colour_comes_only_when_asked_for() {
        assert!(!unknown_key().render(Paint::Plain).contains('\u{1b}'));
        assert!(unknown_key().render(Paint::Coloured).contains('\u{1b}'));
    }

    #[test]
    fn the_picture_and_the_line_name_the_same_column() {
        let check = |source: &str, span: Range<usize>| {
            let complaint = Complaint::new("x").at(Place::new("f", source, span));
            let place = complaint.place().unwrap().to_string();
            let picture = complaint.render(Paint::Plain);
            assert!(
                picture.contains(&format!("--> {place}\n")),
                "{place}\n{picture}"
            );
        };
        check("{\n}\n", 3..4);
        check("{\n}", 3..4);
        check("{\r\n}\r\n", 4..5);
        check("", 0..1);
        check("ab\ncd\n", 1..5);
        check("\té = 1", 4..5);
        check("💥 x", 5..6);
    }

    #[test]
    fn a_span_beyond_the_text_is_pulled_into_it() {
        let place = Place::new("f", "é", 1..99);
        assert_eq!((place.line(), place.column(), place.found()), (1, 1, "é"));
        let end = Place::new("f", "a\n", 9..9);
        assert_eq!((end.line(), end.column(), end.found()), (2, 1, ""));
    }
}
