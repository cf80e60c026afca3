//! Which values a template may read, by the names in its tags.
//!
//! **Invariant:** errs to one side only. A name that is not among them is read by no tag; one that is may be.

use std::collections::BTreeSet;

use crate::core::nearest::nearest;

/// What the tags of one template or several name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    names: BTreeSet<String>,
    /// A tag goes through all values, or looks one up by a name that is itself a value.
    anything: bool,
}

impl Reads {
    pub fn add(&mut self, template: &str) {
        let tags = template.split("{{").skip(1);
        for tag in tags {
            self.add_tag(tag.split("}}").next().unwrap_or_default());
        }
    }

    /// Whether some tag may read the value of this name.
    pub fn may_read(&self, name: &str) -> bool {
        self.anything || !name.chars().all(is_of_a_name) || self.names.contains(name)
    }

    /// The name that was most likely meant.
    pub fn nearest(&self, name: &str) -> Option<String> {
        nearest(name, &self.names)
    }

    fn add_tag(&mut self, tag: &str) {
        let words = |tag: &str| {
            tag.split(|c: char| c.is_whitespace() || "()~#^/".contains(c))
                .filter(|word| !word.is_empty())
                .count()
        };
        let takes_more = words(tag) > 1;
        let mut whole = tag.split(|c: char| c.is_whitespace() || "()~".contains(c));
        self.anything |=
            takes_more && whole.any(|word| matches!(word, "this" | "." | ".." | "@root"));
        let names = tag.split(|c: char| !is_of_a_name(c));
        self.names
            .extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_tag_has_is_not_read() {
        let check = |template: &str, name: &str, expect: bool| {
            let mut reads = Reads::default();
            reads.add(template);
            assert_eq!(reads.may_read(name), expect, "{name} in {template}");
        };
        check(r#"{"image_tg": "web:{{image_tag}}"}"#, "image_tg", false);
        check(r#"{"image": "web:{{image_tag}}"}"#, "image_tag", true);
        check("{{#if debug}}{{log.level}}{{/if}}", "log", true);
        check(
            "{{#each ports}}{{this}}{{#unless @last}},{{/unless}}{{/each}}",
            "prots",
            false,
        );
        check("{{#each ports}}{{json this}}{{/each}}", "prots", true);
        check("{{#each this}}{{@key}}{{/each}}", "any", true);
        check("{{lookup @root key}}", "any", true);
        check("{{default @root.size 1}}", "size", true);
        check("{{default @root.size 1}}", "siez", false);
        check("{{json (lookup colours stage)}}", "stage", true);
        check("{{cpu}}", "a:b", true);
    }
}
