//! Values that give themselves away by their form, wherever they stand in a text: keys and tokens with a known
//! prefix, JSON Web Tokens, private keys, the password in a URL.
//!
//! Sources of the prefixes: IAM "unique identifiers"; GitHub "about authentication", token formats; GitLab "token
//! overview"; Slack "token types"; and the published formats of the vendors named beside the others.

use std::ops::Range;

/// A prefix and the fewest characters that follow it.
const TOKENS: [(&str, usize); 38] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("glcbt-", 16),
    ("glptt-", 16),
    ("glft-", 16),
    ("glsoat-", 16),
    ("gloas-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xoxe-", 10),
    ("xapp-", 10),
    ("hooks.slack.com/services/", 10),
    ("sk_live_", 10), // Stripe
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("whsec_", 10),
    ("sk-ant-", 16),  // Anthropic
    ("sk-proj-", 16), // OpenAI
    ("npm_", 30),
    ("pypi-", 30),
    ("SG.", 30),     // SendGrid
    ("AIza", 30),    // Google
    ("dop_v1_", 30), // DigitalOcean
    ("hvs.", 20),    // HashiCorp Vault
    ("NRAK-", 16),   // New Relic
    ("dckr_pat_", 16),
];

const PRIVATE_KEY: (&str, &str, &str) = ("-----BEGIN ", "PRIVATE KEY", "-----END ");

/// In a URL, a user of this length without a password is a token: nobody's name is so long.
const LONGEST_USER: usize = 16;

/// Every stretch of `text` that has a secret's form, in any order.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    for (prefix, least) in TOKENS {
        tokens(text, prefix, least, found);
    }
    json_web_tokens(text, found);
    private_keys(text, found);
    urls(text, found);
}

fn tokens(text: &str, prefix: &str, least: usize, found: &mut Vec<Range<usize>>) {
    for (start, _) in text.match_indices(prefix) {
        if text[..start].ends_with(is_word) {
            continue;
        }
        let rest = &text[start + prefix.len()..];
        let length = stretch(rest, |c| is_word(c) || matches!(c, '-' | '.' | '/'));
        if length >= least {
            found.push(start..start + prefix.len() + length);
        }
    }
}

/// `eyJ….eyJ….signature`: the base64url of `{"` begins header and claims (RFC 7519). A lone header is no token.
fn json_web_tokens(text: &str, found: &mut Vec<Range<usize>>) {
    for (start, _) in text.match_indices("eyJ") {
        if text[..start].ends_with(|c| is_word(c) || c == '.') {
            continue;
        }
        let length = stretch(&text[start..], |c| is_word(c) || matches!(c, '-' | '.'));
        let token = &text[start..start + length];
        if token.len() >= 20 && token.split('.').filter(|part| part.len() >= 4).count() >= 2 {
            found.push(start..start + length);
        }
    }
}

/// From BEGIN to the end of the END line; of a key that is cut off, all the rest.
fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let (begin, kind, end) = PRIVATE_KEY;
    for (start, _) in text.match_indices(begin) {
        let body = start + begin.len();
        let Some(dashes) = text[body..].find("-----") else {
            continue;
        };
        if !text[body..body + dashes].contains(kind) {
            continue;
        }
        let close = text[body..].find(end).map_or(text.len(), |at| {
            let line = body + at + end.len();
            text[line..]
                .find("-----")
                .map_or(text.len(), |dashes| line + dashes + 5)
        });
        found.push(start..close);
    }
}

/// What stands between `://` and `@`: the password, or a user that is a token.
fn urls(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let authority = stretch(&text[start..], |c| {
            !c.is_whitespace() && !matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\')
        });
        // A password may hold a slash that should have been escaped; a host never holds an at sign.
        let Some(end) = last_at_sign(&text[start..start + authority]) else {
            continue;
        };
        let user = &text[start..start + end];
        match user.find(':') {
            Some(colon) if colon + 1 < user.len() => found.push(start + colon + 1..start + end),
            None if user.len() >= LONGEST_USER => found.push(start..start + end),
            _ => {}
        }
    }
}

/// The at sign that ends the user: the last one before the path, or, if there is none, before the query.
fn last_at_sign(url: &str) -> Option<usize> {
    let path = url.find(['/', '?', '#']).unwrap_or(url.len());
    url[..path].rfind('@').or_else(|| {
        let query = url.find('?').unwrap_or(url.len());
        let end = url[..query].rfind('@')?;
        let (_, password) = url[..path].split_once(':')?;
        let is_port = password.bytes().all(|byte| byte.is_ascii_digit());
        (!is_port).then_some(end)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The length in bytes of the characters at the beginning that belong.
fn stretch(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, secrets: &[&str]) {
        let mut found = Vec::new();
        find(text, &mut found);
        found.sort_by_key(|range| range.start);
        let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, secrets, "{text}");
    }

    #[test]
    fn a_known_form_is_found_within_a_text() {
        let github = format!("ghp_{}", "a1B2".repeat(9));
        check(&format!("token {github}, then"), &[&github]);
        check("id=AKIAIOSFODNN7EXAMPLE;", &["AKIAIOSFODNN7EXAMPLE"]);
        check("xAKIAIOSFODNN7EXAMPLE AKIA", &[]);
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        check(&format!("Bearer {jwt}"), &[jwt]);
        check("eyJustAWordThatBeginsSo", &[]);
    }

    #[test]
    fn a_private_key_is_found_whole_or_cut_off() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        check(&format!("a {key}\nb"), &[key]);
        let escaped = r"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----";
        check(&format!("\"{escaped}\""), &[escaped]);
        check(
            "-----BEGIN PRIVATE KEY-----\nMII",
            &["-----BEGIN PRIVATE KEY-----\nMII"],
        );
        check(
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
            &[],
        );
    }

    #[test]
    fn the_password_in_a_url_is_found_and_the_rest_stays() {
        check("postgres://app:s3cret@db:5432/app", &["s3cret"]);
        check("redis://:s3cret@cache", &["s3cret"]);
        check("postgres://app:s3/c@ret@db/app", &["s3/c@ret"]);
        check(
            "https://0123456789abcdef@o1.ingest.sentry.io/1",
            &["0123456789abcdef"],
        );
        check("https://example.com/a@b https://git@example.com", &[]);
        check("https://example.com:8080/@scope/name", &[]);
    }
}
