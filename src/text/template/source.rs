//! A template's text and the way from Handlebars' lines and columns to places in it.

use crate::text::complaint::{Complaint, Place};

/// A named template text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// The byte at a line and a column counted from 1, the column in characters.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let mut lines = self.text.split_inclusive('\n');
        let above = lines.by_ref().take(line.saturating_sub(1));
        let above: usize = above.map(str::len).sum();
        let letters = lines.next().unwrap_or_default().chars();
        let before = letters.take(column.saturating_sub(1)).map(char::len_utf8);
        above + before.sum::<usize>()
    }

    /// The text from byte `at` on.
    pub fn from(&self, at: usize) -> &str {
        &self.text[self.text.floor_char_boundary(at)..]
    }

    /// The tag that opens at byte `at`, braces and all.
    pub fn tag(&self, at: usize) -> &str {
        let rest = self.from(at);
        rest.find("}}").map_or(rest, |end| &rest[..end + 2])
    }

    /// The last tag that was opened before byte `at`, if nothing closes it before another one opens.
    pub fn unclosed(&self, at: usize) -> Option<usize> {
        let before = &self.text[..self.text.floor_char_boundary(at)];
        let open = before.rfind("{{")?;
        let rest = &self.text[open + 2..];
        let own = rest.split("{{").next().unwrap_or(rest);
        let is_tag = !before[..open].ends_with('\\') && !own.contains("}}");
        is_tag.then_some(open)
    }

    /// The place of the character at byte `at`.
    pub fn point(&self, at: usize) -> Place {
        Place::new(self.name, self.text, at..at + 1)
    }

    /// The place of the tag that opens at byte `at`.
    pub fn tag_place(&self, at: usize) -> Place {
        Place::new(self.name, self.text, at..at + self.tag(at).len())
    }

    /// The place of `word` in the tag that opens at byte `at`, or of the whole tag.
    pub fn word_place(&self, at: usize, word: &str) -> Place {
        match self.tag(at).find(word) {
            Some(start) if !word.is_empty() => {
                let start = at + start;
                Place::new(self.name, self.text, start..start + word.len())
            }
            _ => self.tag_place(at),
        }
    }

    /// A complaint about the tag that opens at byte `at`.
    pub fn complain(&self, at: usize, message: impl Into<String>) -> Complaint {
        Complaint::new(message).at(self.tag_place(at))
    }
}
