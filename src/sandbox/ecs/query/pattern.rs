//! The regular expressions that `=~` takes: characters, `.`, and `*`, `+` or `?` after either; they match the whole text.
//!
//! AWS takes Java's. Anything beyond these few signs is refused rather than taken for something it is not.

/// A pattern, one piece after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// `None` is any character.
    sign: Option<char>,
    least: usize,
    most: usize,
}

impl Pattern {
    /// Reads a pattern; `None` if it uses more than is understood here.
    pub fn read(text: &str) -> Option<Self> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut signs = text.chars().peekable();
        while let Some(sign) = signs.next() {
            let sign = match sign {
                '.' => None,
                '\\' => Some(signs.next().filter(|next| !next.is_alphanumeric())?),
                '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '*' | '+' | '?' => {
                    return None;
                }
                other => Some(other),
            };
            let (least, most) = match signs.peek() {
                Some('*') => (0, usize::MAX),
                Some('+') => (1, usize::MAX),
                Some('?') => (0, 1),
                _ => (1, 1),
            };
            if (least, most) != (1, 1) {
                signs.next();
            }
            pieces.push(Piece { sign, least, most });
        }
        Some(Self(pieces))
    }

    pub fn matches(&self, text: &str) -> bool {
        let signs: Vec<char> = text.chars().collect();
        matches(&self.0, &signs)
    }
}

fn matches(pieces: &[Piece], signs: &[char]) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return signs.is_empty();
    };
    let fits = |sign: &&char| piece.sign.is_none_or(|wanted| wanted == **sign);
    let most = signs.iter().take_while(fits).count().min(piece.most);
    (piece.least..=most)
        .rev()
        .any(|taken| matches(rest, &signs[taken..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_the_whole_text() {
        for (pattern, text, fits) in [
            ("g2.*", "g2.2xlarge", true),
            ("g2.*", "m5.large", false),
            ("g2", "g2.2xlarge", false),
            ("eu-west-1.", "eu-west-1b", true),
            (r"m5\.large", "m5.large", true),
            (r"m5\.large", "m5-large", false),
            (".*large", "m5.xlarge", true),
            ("m5.x?large", "m5.large", true),
            ("a+b", "aab", true),
            ("a+b", "b", false),
        ] {
            assert_eq!(
                Pattern::read(pattern).unwrap().matches(text),
                fits,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_not_read() {
        for pattern in ["(a|b)", "[ab]", "a{2}", "^a$", "*", r"\d"] {
            assert_eq!(Pattern::read(pattern), None, "{pattern}");
        }
    }
}
