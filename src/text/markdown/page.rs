//! A page of Markdown that keeps to a size: running blocks, and folded code that gives way.
//!
//! **Invariant:** [`Page::fit`] never gives more than the limit, and every fold and fence that it opens it closes. No
//! block of text gives way while a fold has a line; what gave way is said, and where it is to be found.

use std::fmt::Write as _;

use super::inert::{block_lines, fence};

/// GitHub takes comments of 65,536 characters (REST API "issue comments"). Bytes are counted, which are never fewer.
pub const COMMENT: usize = 65_536;

/// GitHub takes job summaries of 1 MiB a step (workflow commands, "job summary limits").
pub const SUMMARY: usize = 1_048_576;

/// Room for a sentence that says that something was left out.
const NOTE: usize = 120;

/// Where the whole text is; GitHub alone has summaries, which take 16 times as much as its comments.
const ELSEWHERE: &str = "see the job's summary, if it has one, and its log";

/// Lines of code that are shown without a fold.
const OPEN_LINES: usize = 20;

#[derive(Debug, Clone, Default)]
pub struct Page {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
enum Block {
    /// Finished Markdown, kept whole.
    Text(String),
    Fold(Fold),
}

/// Code behind a title; its last lines are left out where there is no room.
#[derive(Debug, Clone)]
struct Fold {
    /// Finished Markdown, on one line.
    title: String,
    language: &'static str,
    lines: Vec<String>,
}

impl Page {
    /// A block of finished Markdown; empty ones are left out.
    pub fn text(&mut self, markdown: impl Into<String>) {
        let markdown = markdown.into();
        if !markdown.is_empty() {
            self.blocks.push(Block::Text(markdown));
        }
    }

    /// Text from outside as a code block behind a title; none if there is no text.
    pub fn fold(&mut self, title: impl Into<String>, language: &'static str, text: &str) {
        let lines = block_lines(text);
        if !lines.is_empty() {
            self.blocks.push(Block::Fold(Fold {
                title: title.into(),
                language,
                lines,
            }));
        }
    }

    /// Text from outside as a code block that is open to see; its first lines, if there are many.
    pub fn code(&mut self, language: &str, text: &str) {
        let mut lines = block_lines(text);
        let more = lines.len().saturating_sub(OPEN_LINES);
        lines.truncate(OPEN_LINES);
        let fence = fence(lines.iter());
        self.text(format!("{fence}{language}\n{}\n{fence}", lines.join("\n")));
        if more > 0 {
            self.text(format!("{more} more lines: see the job's log."));
        }
    }

    /// The page in at most `limit` bytes.
    pub fn fit(&self, limit: usize) -> String {
        let (kept, room) = self.kept(limit.saturating_sub(NOTE));
        let shares = shares(&kept, room);
        let mut text = String::new();
        for (block, share) in kept.iter().zip(shares) {
            match block {
                Block::Text(markdown) => text.push_str(markdown),
                Block::Fold(fold) => text.push_str(&fold.within(share)),
            }
            text.push_str("\n\n");
        }
        if kept.len() < self.blocks.len() {
            let _ = writeln!(text, "There is more than fits here: {ELSEWHERE}.");
        }
        debug_assert!(text.len() <= limit || limit < NOTE);
        text
    }
}

impl Page {
    /// The blocks that there is room for, text before folds, each in its place; and the room that is left for lines.
    fn kept(&self, mut room: usize) -> (Vec<&Block>, usize) {
        let mut fits = |block: &Block| {
            let least = block.least();
            let fits = least <= room;
            room -= if fits { least } else { 0 };
            fits
        };
        let texts: Vec<bool> = self
            .blocks
            .iter()
            .map(|block| matches!(block, Block::Text(_)) && fits(block))
            .collect();
        let kept = self
            .blocks
            .iter()
            .zip(texts)
            .filter(|(block, is_kept)| *is_kept || matches!(block, Block::Fold(_)) && fits(block))
            .map(|(block, _)| block)
            .collect();
        (kept, room)
    }
}

/// How many bytes of lines each fold gets: the small ones all they want, the large ones equal parts of the rest.
fn shares(blocks: &[&Block], room: usize) -> Vec<usize> {
    let wishes: Vec<usize> = blocks.iter().map(|block| block.wish()).collect();
    let mut order: Vec<usize> = (0..blocks.len())
        .filter(|index| wishes[*index] > 0)
        .collect();
    order.sort_by_key(|index| wishes[*index]);
    let (mut left, mut waiting) = (room, order.len());
    let mut shares = vec![0; blocks.len()];
    for index in order {
        shares[index] = wishes[index].min(left / waiting);
        left -= shares[index];
        waiting -= 1;
    }
    shares
}

impl Block {
    /// Bytes without any line of code.
    fn least(&self) -> usize {
        match self {
            Self::Text(markdown) => markdown.len() + 2,
            Self::Fold(fold) => {
                fold.wrapped(&[], "").len() + NOTE + 2 + 2 * fence(fold.lines.iter()).len()
            }
        }
    }

    fn wish(&self) -> usize {
        match self {
            Self::Text(_) => 0,
            Self::Fold(fold) => fold.lines.iter().map(|line| line.len() + 1).sum(),
        }
    }
}

impl Fold {
    fn within(&self, share: usize) -> String {
        let mut room = share;
        let fitting = self.lines.iter().take_while(|line| {
            let fits = line.len() < room;
            room = room.saturating_sub(line.len() + 1);
            fits
        });
        let fitting = fitting.count();
        if fitting == self.lines.len()
            || share >= self.lines.iter().map(|line| line.len() + 1).sum()
        {
            return self.wrapped(&self.lines, "");
        }
        let note = format!(
            "{} more lines than fit here: {ELSEWHERE}.\n\n",
            self.lines.len() - fitting
        );
        self.wrapped(&self.lines[..fitting], &note)
    }

    fn wrapped(&self, lines: &[String], note: &str) -> String {
        let (title, language, fence) = (&self.title, self.language, fence(lines.iter()));
        let mut code = String::new();
        for line in lines {
            code.push_str(line);
            code.push('\n');
        }
        format!(
            "<details><summary>{title}</summary>\n\n{fence}{language}\n{code}{fence}\n\n{note}</details>"
        )
    }
}
