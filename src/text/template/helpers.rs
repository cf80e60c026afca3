//! The helpers a template may use, and the inner ones that its tags are rewritten to.
//!
//! **Invariant:** a helper writes to the output through [`mark::slot`] or not at all.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use serde_json::Value;
use thiserror::Error;

use super::mark::{self, Slot};

/// What a helper takes and where it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature {
    pub name: &'static str,
    pub stands: Stands,
    /// Fewest and most arguments.
    pub arguments: (usize, usize),
    pub missing: Missing,
}

/// Where a helper may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// `{{#if x}}…{{/if}}`.
    Block,
    /// `{{len x}}` and `(len x)`.
    Value,
    /// Both.
    Either,
}

/// What becomes of an argument that has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is an error.
    Refused,
    /// It counts as null.
    Null,
    /// The helper sees to it.
    Seen,
}

/// Every helper a template may use.
pub(super) const HELPERS: [Signature; 17] = {
    use Missing::{Null, Refused, Seen};
    use Stands::{Block, Either, Value};
    [
        signature("if", Block, (1, 1), Seen),
        signature("unless", Block, (1, 1), Seen),
        signature("each", Block, (1, 1), Seen),
        signature("with", Block, (1, 1), Seen),
        signature("eq", Either, (2, 2), Refused),
        signature("ne", Either, (2, 2), Refused),
        signature("gt", Either, (2, 2), Refused),
        signature("gte", Either, (2, 2), Refused),
        signature("lt", Either, (2, 2), Refused),
        signature("lte", Either, (2, 2), Refused),
        signature("and", Either, (1, usize::MAX), Null),
        signature("or", Either, (1, usize::MAX), Null),
        signature("not", Either, (1, 1), Null),
        signature("len", Value, (1, 1), Refused),
        signature("lookup", Value, (2, 2), Refused),
        signature("default", Value, (2, 2), Seen),
        signature("json", Value, (1, 1), Refused),
    ]
};

const fn signature(
    name: &'static str,
    stands: Stands,
    arguments: (usize, usize),
    missing: Missing,
) -> Signature {
    Signature {
        name,
        stands,
        arguments,
        missing,
    }
}

/// Inner helpers; no template can name them.
pub(super) const EMIT_PLAIN: &str = "\u{1}plain";
pub(super) const EMIT_JSON: &str = "\u{1}json";
pub(super) const REQUIRE: &str = "\u{1}require";
pub(super) const OPTIONAL: &str = "\u{1}optional";

/// A name without a value, in the tag that opens at byte `at`.
#[derive(Debug, Error)]
#[error("no value")]
pub(super) struct NoValue {
    /// As the template writes it; `None` for what a helper has computed.
    pub name: Option<String>,
    pub at: usize,
}

/// A registry that knows [`HELPERS`] and the inner helpers, in strict mode.
pub(super) fn registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // Nothing reaches the escape function: every interpolation has become a slot. Should anything ever, it lands in one.
    registry.register_escape_fn(|text| mark::slot(Slot::Plain, 0, &text.into()));
    registry.register_helper(EMIT_PLAIN, Box::new(Emit(Slot::Plain)));
    registry.register_helper(EMIT_JSON, Box::new(Emit(Slot::Json)));
    registry.register_helper(REQUIRE, Box::new(Require));
    registry.register_helper(OPTIONAL, Box::new(Optional));
    registry.register_helper("lookup", Box::new(Lookup));
    registry.register_helper("default", Box::new(Default));
    registry
}

/// `(emit at value)`: writes the value into a slot.
struct Emit(Slot);

impl HelperDef for Emit {
    fn call<'reg: 'rc, 'rc>(
        &self,
        call: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let (at, value) = located(call)?;
        out.write(&mark::slot(self.0, at, value.as_json()))?;
        Ok(())
    }
}

/// `(require at value)`: the value, which must be there.
struct Require;

impl HelperDef for Require {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        call: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        located(call).map(|(_, value)| value)
    }
}

/// `(optional value)`: the value, or null.
struct Optional;

impl HelperDef for Optional {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        call: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(argument(call, 0).clone()))
    }
}

/// `(lookup collection key)`: an item of a list or a member of an object; no value where there is none, so that
/// `default` can stand around it.
struct Lookup;

impl HelperDef for Lookup {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        call: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let found = match (argument(call, 0), argument(call, 1)) {
            (Value::Array(list), Value::Number(index)) => index
                .as_u64()
                .and_then(|index| list.get(usize::try_from(index).ok()?)),
            (Value::Object(map), Value::String(name)) => map.get(name),
            _ => None,
        };
        Ok(found.map_or(ScopedJson::Missing, |value| {
            ScopedJson::Derived(value.clone())
        }))
    }
}

/// `(default value fallback)`: the value, or the fallback where there is none or it is null.
struct Default;

impl HelperDef for Default {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        call: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let (value, fallback) = (argument(call, 0), argument(call, 1));
        let chosen = if value.is_null() { fallback } else { value };
        Ok(ScopedJson::Derived(chosen.clone()))
    }
}

/// The two arguments of an inner helper: the byte of its tag, and a value that must be there.
fn located<'rc>(call: &Helper<'rc>) -> Result<(usize, ScopedJson<'rc>), RenderError> {
    let at = argument(call, 0).as_u64().unwrap_or_default() as usize;
    match call.param(1) {
        Some(value) if !value.is_value_missing() => {
            Ok((at, ScopedJson::Derived(value.value().clone())))
        }
        value => {
            let name = value.and_then(|value| value.relative_path().cloned());
            Err(RenderErrorReason::NestedError(Box::new(NoValue { name, at })).into())
        }
    }
}

fn argument<'a>(call: &'a Helper<'_>, index: usize) -> &'a Value {
    call.param(index)
        .map_or(&Value::Null, |argument| argument.value())
}
