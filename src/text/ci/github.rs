//! GitHub Actions: workflow commands on the job's log, and lines of its output file.
//!
//! Formats by "Workflow commands for GitHub Actions" (docs.github.com) and the runner's `ActionCommand`: a command is a
//! line that begins, after blanks, with `::name`, or that holds `##[name]` anywhere.

/// How loud an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Error,
    Warning,
    Notice,
}

/// A line of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// From the repository's root.
    pub file: String,
    pub line: usize,
    pub column: Option<usize>,
}

/// GitHub shows so many bytes of an annotation.
const MESSAGE: usize = 4096;

/// An annotation, at a line where one is known.
pub fn annotation(tone: Tone, title: &str, spot: Option<&Spot>, message: &str) -> String {
    let mut properties = format!("title={}", property(title));
    if let Some(Spot { file, line, column }) = spot {
        properties = format!("file={},line={line},{properties}", property(file));
        if let Some(column) = column {
            properties = format!("{properties},col={column}");
        }
    }
    let name = match tone {
        Tone::Error => "error",
        Tone::Warning => "warning",
        Tone::Notice => "notice",
    };
    let end = message.floor_char_boundary(MESSAGE);
    format!("::{name} {properties}::{}\n", data(&message[..end]))
}

/// What begins a fold of the log; [`END_GROUP`] ends it.
pub fn group(title: &str) -> String {
    format!("::group::{}\n", data(title))
}

pub const END_GROUP: &str = "::endgroup::\n";

/// Has the runner hide this value, each line of it, in all that follows.
pub fn mask(secret: &str) -> String {
    format!("::add-mask::{}\n", data(secret))
}

/// Lines of the output file: any value, between two lines of a word that the value does not hold.
pub fn output(name: &str, value: &str, delimiter: &str) -> String {
    debug_assert!(!value.contains(delimiter), "the delimiter is random");
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

/// The text without anything that the runner would take for a command. A JSON document stays the same document.
pub fn inert(text: &str) -> String {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let apart = if is_json { "#\\u0023[" } else { "##\u{200b}[" };
    let text = text.replace("##[", apart);
    if !text.contains("::") {
        return text;
    }
    text.split_inclusive(['\n', '\r'])
        .map(|line| {
            let blank = line.len() - line.trim_start().len();
            match line[blank..].strip_prefix("::") {
                Some(rest) => format!("{}:\u{200b}:{rest}", &line[..blank]),
                None => line.to_owned(),
            }
        })
        .collect()
}

fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_outside_begins_no_command() {
        let check = |text: &str, said: &str| assert_eq!(inert(text), said);
        check("  0:00  done\n", "  0:00  done\n");
        check("::error::x\n", ":\u{200b}:error::x\n");
        check(
            "a\n   ::set-output name=a::b",
            "a\n   :\u{200b}:set-output name=a::b",
        );
        check("a\r::add-path::b", "a\r:\u{200b}:add-path::b");
        check("arn:aws:ecs:::x", "arn:aws:ecs:::x");
        check("log ##[group]x", "log ##\u{200b}[group]x");
        check(r###"{"a": "##[group]"}"###, r##"{"a": "#\u0023[group]"}"##);
    }

    #[test]
    fn a_text_from_outside_ends_no_command() {
        let spot = Spot {
            file: "a,b:c.json".to_owned(),
            line: 7,
            column: Some(2),
        };
        assert_eq!(
            annotation(Tone::Error, "x: y", Some(&spot), "50 %\n::stop::"),
            "::error file=a%2Cb%3Ac.json,line=7,title=x%3A y,col=2::50 %25%0A::stop::\n"
        );
        assert_eq!(mask("a\nb%"), "::add-mask::a%0Ab%25\n");
        assert_eq!(group("a\n::b"), "::group::a%0A::b\n");
        let long = annotation(Tone::Notice, "t", None, &"é".repeat(5000));
        assert!(long.len() < MESSAGE + 40, "{}", long.len());
    }

    #[test]
    fn an_output_may_hold_anything() {
        assert_eq!(output("a", "x\ny=1", "END"), "a<<END\nx\ny=1\nEND\n");
    }
}
