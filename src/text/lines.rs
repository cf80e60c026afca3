//! On which line of a JSON document, or of a template of one, a member stands.
//!
//! **Invariant:** an aid for readers and no more: the text is walked without being understood, so a template whose
//! blocks (`{{#each}}`) make items, or a document in another language, gives no line or one nearby.

/// The line, counted from 1, of the deepest part of `path` (`containerDefinitions[0].portMappings[1]`) that is found.
pub fn line_of(text: &str, path: &str) -> Option<usize> {
    let mut walk = Walk {
        text,
        at: 0,
        best: None,
    };
    walk.enter(&steps(path))?;
    let at = walk.best?;
    Some(text[..at].matches('\n').count() + 1)
}

#[derive(Debug, PartialEq)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn steps(path: &str) -> Vec<Step<'_>> {
    path.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(']').map(str::parse) {
            Some(Ok(index)) => Step::Item(index),
            _ => Step::Member(part),
        })
        .collect()
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// Where the deepest part that was found begins.
    best: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Follows the steps from the value that comes next; `None` where the text ends or is no JSON.
    fn enter(&mut self, steps: &[Step]) -> Option<()> {
        let begin = self.blank()?;
        match (steps, begin) {
            ([Step::Member(name), rest @ ..], '{') => self.members(name, rest),
            ([Step::Item(index), rest @ ..], '[') => self.items(*index, rest),
            // The end of the path, or of what the text has of it.
            _ => Some(()),
        }
    }

    fn members(&mut self, name: &str, rest: &[Step]) -> Option<()> {
        self.at += 1;
        loop {
            if self.blank()? == '}' {
                return Some(());
            }
            let start = self.at;
            let found = self.string()?;
            if self.blank()? != ':' {
                return None;
            }
            self.at += 1;
            if found == name {
                self.best = Some(start);
                return self.enter(rest);
            }
            self.value()?;
        }
    }

    fn items(&mut self, index: usize, rest: &[Step]) -> Option<()> {
        self.at += 1;
        for _ in 0..index {
            if self.blank()? == ']' {
                return Some(());
            }
            self.value()?;
        }
        if self.blank()? != ']' {
            self.best = Some(self.at);
            self.enter(rest)?;
        }
        Some(())
    }

    /// Steps over one value, and what stands in brackets within it.
    fn value(&mut self) -> Option<()> {
        if self.expression()? {
            return Some(());
        }
        let mut depth = 0_usize;
        loop {
            match self.blank()? {
                '"' => {
                    self.string()?;
                }
                '{' | '[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                '}' | ']' if depth == 0 => return Some(()),
                '}' | ']' => {
                    depth -= 1;
                    self.at += 1;
                }
                letter => self.at += letter.len_utf8(),
            }
            let next = self.rest().chars().next()?;
            let ends = ",}] \t\r\n".contains(next) || self.rest().starts_with("{{");
            if depth == 0 && ends {
                return Some(());
            }
        }
    }

    /// Steps over a tag that stands for the value (`{{memory}}`), if that is what comes next.
    fn expression(&mut self) -> Option<bool> {
        loop {
            let blank = self.rest().len() - self.rest().trim_start().len();
            self.at += blank;
            let Some(tag) = self.rest().strip_prefix("{{") else {
                return Some(false);
            };
            let name = tag.trim_start_matches(['~', ' ']);
            let is_block = name.starts_with(['#', '/', '!']) || name.starts_with("else");
            self.at += 2 + tag.find("}}")? + 2;
            if !is_block {
                return Some(true);
            }
        }
    }

    /// The string that begins here, without its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at + self.rest().strip_prefix('"').map(|_| 1)?;
        let mut letters = self.text[start..].char_indices();
        while let Some((index, letter)) = letters.next() {
            match letter {
                '\\' => {
                    letters.next();
                }
                '"' => {
                    self.at = start + index + 1;
                    return Some(&self.text[start..start + index]);
                }
                _ => {}
            }
        }
        None
    }

    /// Steps over blanks, commas and template tags; gives what comes then.
    fn blank(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let next = rest.chars().next()?;
            if rest.starts_with("{{") {
                self.at += rest.find("}}")? + 2;
            } else if next == ',' || next.is_whitespace() {
                self.at += next.len_utf8();
            } else {
                return Some(next);
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"{
  "family": "{{name}}",
  {{#if big}}"cpu": 1024,{{else}}"cpu": "256 \" }",{{/if}}
  "memory": {{memory}},
  "containerDefinitions": [
    { "name": "a", "portMappings": [] },
    {
      "name": "b",
      "portMappings": [
        { "containerPort": 1 },
        { "hostPort": 2 }
      ]
    }
  ]
}
"#;

    #[test]
    fn the_deepest_part_that_is_there_is_found() {
        let check = |path: &str, line| assert_eq!(line_of(TEMPLATE, path), line, "{path}");
        check("family", Some(2));
        check("cpu", Some(3));
        check("memory", Some(4));
        check("containerDefinitions[0].name", Some(6));
        check("containerDefinitions[1].name", Some(8));
        check("containerDefinitions[1].portMappings[1].hostPort", Some(11));
        check("containerDefinitions[1].image", Some(7));
        check("containerDefinitions[7].image", Some(5));
        check("volumes", None);
        check("", None);
    }

    #[test]
    fn a_text_that_is_no_json_has_no_lines() {
        for text in ["", "family: web\n", "{\"a\"", "{{", "[", "{\"a\": \"b"] {
            assert_eq!(line_of(text, "a.b"), line_of(text, "a"), "{text}");
        }
        assert_eq!(line_of("family: web\n", "family"), None);
    }
}
