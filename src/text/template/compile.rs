//! Parses a template, refuses what could put text in unescaped, and rewrites every interpolation into a slot.
//!
//! **Invariant:** each kind of template element is named here; one that is not is refused. After this walk the rendered
//! text consists of marked own text and marked values, and of nothing else.

use handlebars::template::{HelperTemplate, Parameter, Subexpression, TemplateElement};
use handlebars::{Template, TemplateError, TemplateErrorReason};

use super::helpers::{
    EMIT_JSON, EMIT_PLAIN, HELPERS, Missing, OPTIONAL, REQUIRE, Signature, Stands,
};
use super::mark;
use super::source::Source;
use crate::text::complaint::Complaint;

/// The template of `source`, ready to be rendered.
pub(super) fn compile(source: &Source<'_>) -> Result<Template, Complaint> {
    if let Some((at, found)) = mark::forbidden(source.text) {
        let escape = found.escape_unicode();
        return Err(
            Complaint::new(format!("the control character {escape} stands in the text"))
                .at(source.point(at)),
        );
    }
    let mut template =
        Template::compile(source.text).map_err(|error| not_a_template(source, &error))?;
    Walk { source }.template(&mut template, 0)?;
    Ok(template)
}

fn not_a_template(source: &Source<'_>, error: &TemplateError) -> Complaint {
    let at = error
        .pos()
        .map_or(0, |(line, column)| source.offset(line, column));
    if let (TemplateErrorReason::InvalidSyntax(_), Some(open)) =
        (error.reason(), source.unclosed(at))
    {
        return Complaint::new("this tag is not closed")
            .at(source.point(open))
            .hint("close every {{ with }}; for braces that are no tag, write \\{{");
    }
    let complaint = match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            Complaint::new(format!("`{{{{/{close}}}}}` closes `{{{{#{open}}}}}`"))
        }
        TemplateErrorReason::InvalidSyntax(_) if source.from(at).trim().is_empty() => {
            Complaint::new("the template ends inside a tag or a block")
                .hint("close every {{ with }}, and every {{#name}} with {{/name}}")
        }
        TemplateErrorReason::InvalidSyntax(_) => {
            Complaint::new("no Handlebars tag can be read here")
                .hint("for braces that are no tag, write \\{{")
        }
        other => Complaint::new(other.to_string()),
    };
    complaint.at(source.point(at))
}

struct Walk<'a> {
    source: &'a Source<'a>,
}

impl Walk<'_> {
    /// Walks a template whose elements that have no place of their own stand at byte `outer`.
    fn template(&self, template: &mut Template, outer: usize) -> Result<(), Complaint> {
        let places = template
            .mapping
            .iter()
            .map(Some)
            .chain(std::iter::repeat(None));
        for (element, place) in template.elements.iter_mut().zip(places) {
            let at = place.map_or(outer, |place| self.source.offset(place.0, place.1));
            self.element(element, at)?;
        }
        Ok(())
    }

    fn element(&self, element: &mut TemplateElement, at: usize) -> Result<(), Complaint> {
        let refuse = |message: &str, hint: &str| Err(self.source.complain(at, message).hint(hint));
        match element {
            TemplateElement::RawString(text) => {
                *text = self.own(text, at);
                Ok(())
            }
            TemplateElement::Comment(_) => Ok(()),
            TemplateElement::Expression(tag) => self.interpolation(tag, at),
            TemplateElement::HelperBlock(block) => self.block(block, at),
            TemplateElement::HtmlExpression(_) => refuse(
                "`{{{…}}}` and `{{&…}}` would put a value in unescaped",
                "write {{name}} between quotes, or {{json name}} outside them",
            ),
            TemplateElement::PartialExpression(_) | TemplateElement::PartialBlock(_) => refuse(
                "a template cannot include another",
                "put what they share into values and write {{json name}}",
            ),
            _ => refuse("decorators are not supported", "remove this tag"),
        }
    }

    /// Own text with a mark at its start, and one more where an escaped `\{{` has lost its backslash.
    fn own(&self, text: &str, at: usize) -> String {
        let mut at = self.start(text, at);
        let mut marked = String::new();
        for (index, piece) in text.split("{{").enumerate() {
            let braces = if index > 0 { "{{" } else { "" };
            at += braces.len() / 2;
            let piece = format!("{braces}{piece}");
            marked.push_str(&mark::own(at, &piece));
            at += piece.len();
        }
        marked
    }

    /// The byte at which own text starts. Handlebars gives that of its first word, except at the start of a template.
    fn start(&self, text: &str, at: usize) -> usize {
        const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
        let blank = text.len() - text.trim_start_matches(BLANK).len();
        if self.source.from(at).starts_with(BLANK) {
            at
        } else {
            at.saturating_sub(blank)
        }
    }

    fn interpolation(&self, tag: &mut HelperTemplate, at: usize) -> Result<(), Complaint> {
        let (emit, value) = match tag.name.as_name() {
            Some("json") if !tag.params.is_empty() => {
                self.signature(tag, at, Stands::Value)?;
                (EMIT_JSON, tag.params.remove(0))
            }
            _ if is_name(tag) => (EMIT_PLAIN, tag.name.clone()),
            _ => (EMIT_PLAIN, as_parameter(tag.clone())),
        };
        let value = self.value(value, Missing::Seen, at)?;
        tag.name = Parameter::Name(emit.to_owned());
        tag.params = vec![Parameter::Literal(at.into()), value];
        tag.hash.clear();
        Ok(())
    }

    fn block(&self, block: &mut HelperTemplate, at: usize) -> Result<(), Complaint> {
        if self.source.from(at).starts_with("{{{{") {
            return Err(self.source.complain(at, "raw blocks are not supported"));
        }
        self.arguments(block, at, Stands::Block)?;
        for template in [&mut block.template, &mut block.inverse]
            .into_iter()
            .flatten()
        {
            self.template(template, at)?;
        }
        Ok(())
    }

    /// A value that stands in a tag, with what is to be done when it is missing.
    fn value(&self, value: Parameter, missing: Missing, at: usize) -> Result<Parameter, Complaint> {
        let value = match value {
            Parameter::Subexpression(inner) => match *inner.element {
                TemplateElement::Expression(name) if is_name(&name) => {
                    return self.value(name.name, missing, at);
                }
                TemplateElement::Expression(mut call) => {
                    self.arguments(&mut call, at, Stands::Value)?;
                    as_parameter(*call)
                }
                _ => return Err(self.source.complain(at, "this cannot stand in parentheses")),
            },
            literal @ Parameter::Literal(_) => return Ok(literal),
            name => name,
        };
        Ok(match missing {
            Missing::Refused => call(REQUIRE, vec![Parameter::Literal(at.into()), value]),
            Missing::Null => call(OPTIONAL, vec![value]),
            Missing::Seen => value,
        })
    }

    /// Checks a helper's arguments and rewrites them.
    fn arguments(
        &self,
        call: &mut HelperTemplate,
        at: usize,
        stands: Stands,
    ) -> Result<(), Complaint> {
        let helper = self.signature(call, at, stands)?;
        for argument in &mut call.params {
            let value = std::mem::replace(argument, Parameter::Literal(at.into()));
            *argument = self.value(value, helper.missing, at)?;
        }
        Ok(())
    }

    /// The helper that is called, if it may be called so.
    fn signature(
        &self,
        call: &HelperTemplate,
        at: usize,
        stands: Stands,
    ) -> Result<Signature, Complaint> {
        let name = call.name.as_name().unwrap_or_default();
        let complain =
            |message: String| Complaint::new(message).at(self.source.word_place(at, name));
        let fits = |helper: &&Signature| [stands, Stands::Either].contains(&helper.stands);
        let known = HELPERS.iter().filter(fits);
        let Some(helper) = known.clone().find(|helper| helper.name == name) else {
            let (message, hint) = not_a_helper(name, stands);
            let names: Vec<_> = known.map(|helper| helper.name).collect();
            let complaint = complain(message).spelling(name, &names).allow(&names);
            return Err(hint.into_iter().fold(complaint, Complaint::hint));
        };
        let (fewest, most) = helper.arguments;
        let found = call.params.len();
        if !(fewest..=most).contains(&found) {
            let plural = if fewest == 1 { "" } else { "s" };
            let takes = format!("`{name}` takes {fewest} argument{plural}, found {found}");
            return Err(complain(takes));
        }
        match call.hash.keys().min() {
            Some(option) if !(helper.stands == Stands::Block && option == "includeZero") => {
                Err(complain(format!("`{name}` has no option `{option}`")))
            }
            _ => Ok(*helper),
        }
    }
}

/// Why `name` may not stand so, and how it may.
fn not_a_helper(name: &str, stands: Stands) -> (String, Option<String>) {
    let known = HELPERS.iter().any(|helper| helper.name == name);
    match (known, stands) {
        (true, Stands::Block) => {
            let hint = format!("write {{{{{name} …}}}}");
            (format!("`{name}` is not a block"), Some(hint))
        }
        (true, _) => {
            let hint = format!("write {{{{#{name} …}}}}…{{{{/{name}}}}}");
            (format!("`{name}` is a block"), Some(hint))
        }
        (false, Stands::Block) => (format!("unknown block helper `{name}`"), None),
        (false, _) => (format!("unknown helper `{name}`"), None),
    }
}

/// Whether a tag is a bare name, `{{x}}` or `(x)`; none of our helpers goes without arguments, so it is a value's.
fn is_name(tag: &HelperTemplate) -> bool {
    tag.params.is_empty() && tag.hash.is_empty()
}

fn as_parameter(tag: HelperTemplate) -> Parameter {
    Parameter::Subexpression(Subexpression::new(tag.name, tag.params, tag.hash))
}

fn call(helper: &str, arguments: Vec<Parameter>) -> Parameter {
    let name = Parameter::Name(helper.to_owned());
    Parameter::Subexpression(Subexpression::new(name, arguments, [].into()))
}
