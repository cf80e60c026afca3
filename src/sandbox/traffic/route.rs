//! Which rule of a listener takes a request.
//!
//! Source: Application Load Balancers guide, "Condition types for listener rules": all conditions of a rule must hold,
//! one value of a condition suffices; hosts and header values ignore case, paths and methods do not; `*` stands for any
//! characters and `?` for exactly one.

use serde_json::Value;

use crate::sandbox::elb::{Elb, Rule};
use crate::sandbox::traffic::source::Source;

/// The rule with the lowest priority whose conditions hold; the default rule if none has.
pub fn rule_for<'a>(elb: &'a Elb, source: &Source) -> Option<&'a Rule> {
    let rules = elb
        .rules
        .values()
        .filter(|rule| rule.listener == source.listener);
    let taking = rules.filter(|rule| {
        rule.conditions
            .iter()
            .all(|condition| holds(condition, source))
    });
    taking.min_by_key(|rule| rule.priority.unwrap_or(u32::MAX))
}

fn holds(condition: &Value, source: &Source) -> bool {
    let any = |config: &str, is: &dyn Fn(&str) -> bool| values(condition, config).any(is);
    match condition["Field"].as_str().unwrap_or_default() {
        "host-header" => any("HostHeaderConfig", &|pattern| {
            fits_in_any_case(pattern, &source.host)
        }),
        "path-pattern" => any("PathPatternConfig", &|pattern| fits(pattern, &source.path)),
        "http-request-method" => any("HttpRequestMethodConfig", &|method| method == source.method),
        "http-header" => {
            let name = condition["HttpHeaderConfig"]["HttpHeaderName"]
                .as_str()
                .unwrap_or_default();
            let sent = source
                .headers
                .iter()
                .find(|(sent, _)| sent.eq_ignore_ascii_case(name));
            sent.is_some_and(|(_, value)| {
                any("HttpHeaderConfig", &|pattern| {
                    fits_in_any_case(pattern, value)
                })
            })
        }
        "query-string" => pairs(condition).any(|pair| has_query(source, pair)),
        _ => false,
    }
}

/// The values under the field's own config, or plain ones.
fn values<'a>(condition: &'a Value, config: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let own = condition[config]["Values"].as_array();
    own.or_else(|| condition["Values"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn pairs(condition: &Value) -> impl Iterator<Item = &Value> {
    condition["QueryStringConfig"]["Values"]
        .as_array()
        .into_iter()
        .flatten()
}

/// A pair without a key asks for the value under any key.
fn has_query(source: &Source, wanted: &Value) -> bool {
    let value = wanted["Value"].as_str().unwrap_or_default();
    source
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .any(|(key, sent)| {
            wanted["Key"]
                .as_str()
                .is_none_or(|wanted| fits_in_any_case(wanted, key))
                && fits_in_any_case(value, sent)
        })
}

fn fits_in_any_case(pattern: &str, text: &str) -> bool {
    fits(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// Whether the whole text fits a pattern. It goes back only to the last `*`, so it takes no longer than their product.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_whole_texts() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        };
        check("/img/*", "/img/a/b.png", true);
        check("/img/*", "/img", false);
        check("/img*", "/img", true);
        check("*.example.com", "shop.example.com", true);
        check("*.example.com", "example.com", false);
        check("/a?c", "/abc", true);
        check("/a?c", "/ac", false);
        check("*", "", true);
        check("*a*b", "xaxxbab", true);
        check("/Img", "/img", false);
        assert!(fits_in_any_case("*.EXAMPLE.com", "shop.example.COM"));
    }
}
