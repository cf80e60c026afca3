//! Which names betray a secret.
//!
//! **Invariant:** a name is judged by its words, never by a stretch of letters: `DB_PASSWORD` and `dbPassword` are
//! secret, `TOKENIZER` and `MONKEY` are not.

/// A word that makes a name secret, wherever it stands.
const SECRET: [&str; 25] = [
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASS",
    "PWD",
    "PASSPHRASE",
    "PASSCODE",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "KEY",
    "KEYS",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "PRIVATE",
    "AUTHORIZATION",
    "SIGNATURE",
    "SIG",
    "SALT",
    "PEPPER",
    "CONNSTR",
    "COOKIE",
];

/// Words written together with what is before them: `PGPASSWORD`, `apikey`, `requirepass`.
const SECRET_ENDINGS: [&str; 15] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIALS",
    "APIKEY",
    "ACCESSKEY",
    "SECRETKEY",
    "PRIVATEKEY",
    "LICENSEKEY",
    "ENCRYPTIONKEY",
    "SIGNINGKEY",
    "MASTERKEY",
    "REQUIREPASS",
];

/// A last word that says that the value is about a secret and is none: `TOKEN_TTL`, `PASSWORD_FILE`, `SECRET_ARN`.
const ABOUT: [&str; 30] = [
    "ARN",
    "FILE",
    "FILENAME",
    "PATH",
    "DIR",
    "NAME",
    "NAMESPACE",
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "PORT",
    "TTL",
    "EXPIRY",
    "EXPIRATION",
    "SECONDS",
    "MINUTES",
    "HOURS",
    "DAYS",
    "TIMEOUT",
    "LENGTH",
    "SIZE",
    "COUNT",
    "LIMIT",
    "ENABLED",
    "DISABLED",
    "REQUIRED",
    "ALGORITHM",
    "ISSUER",
    "ROTATION",
];

/// A word before `KEY` that makes it an ordinary key: of a table, a cache, a pair of keys.
const ORDINARY_KEYS: [&str; 9] = [
    "PUBLIC",
    "PRIMARY",
    "FOREIGN",
    "PARTITION",
    "SORT",
    "CACHE",
    "ROUTING",
    "CONDITION",
    "CONTEXT",
];

/// Members of the ECS API that only refer to a secret, or are no secret at all: the `key` of a tag.
const REFERENCES: [&str; 8] = [
    "key",
    "keys",
    "secrets",
    "secretoptions",
    "valuefrom",
    "credentialspecs",
    "credentialsparameter",
    "repositorycredentials",
];

/// What the user adds to the names that are known: exact names whatever their case, `*` for any stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Names whose values are secret although nothing betrays it.
    pub hide: Vec<String>,
    /// Names whose values are open although they look secret. A known pattern (a private key, a password in a URL) is
    /// hidden all the same.
    pub show: Vec<String>,
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Secret,
    Open,
    /// Then the value itself decides.
    Unsaid,
}

impl Rules {
    pub(super) fn judge(&self, name: &str) -> Verdict {
        let is_in = |list: &[String]| list.iter().any(|pattern| fits(pattern, name));
        if is_in(&self.hide) {
            Verdict::Secret
        } else if is_in(&self.show) {
            Verdict::Open
        } else if betrays(name) {
            Verdict::Secret
        } else if REFERENCES.contains(&name.to_ascii_lowercase().as_str()) {
            Verdict::Open
        } else {
            Verdict::Unsaid
        }
    }
}

/// Whether the name alone says that its value is secret.
pub(super) fn betrays(name: &str) -> bool {
    if REFERENCES.contains(&name.to_ascii_lowercase().as_str()) {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else {
        return false;
    };
    !ABOUT.contains(&last.as_str())
        && (names_connection_string(&words)
            || (0..words.len()).any(|index| is_secret_word(&words, index)))
}

fn is_secret_word(words: &[String], index: usize) -> bool {
    let word = words[index].as_str();
    if matches!(word, "KEY" | "KEYS") {
        let before = index.checked_sub(1).map(|before| words[before].as_str());
        return before.is_some_and(|before| !ORDINARY_KEYS.contains(&before));
    }
    SECRET.contains(&word) || SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

fn names_connection_string(words: &[String]) -> bool {
    let joined = words.concat();
    joined.contains("CONNECTIONSTRING") || joined.contains("CONNSTRING")
}

/// The words of a name in capitals, parted by punctuation and by capitals, without numbers at their end.
pub(super) fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, letter) in letters.iter().enumerate() {
        let starts_word = index > 0 && letter.is_uppercase() && {
            let before = letters[index - 1];
            let after = letters.get(index + 1).copied().unwrap_or('_');
            before.is_lowercase()
                || before.is_ascii_digit()
                || (before.is_uppercase() && after.is_lowercase())
        };
        if starts_word || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            let word = words.last_mut().expect("there is always a word");
            word.extend(letter.to_uppercase());
        }
    }
    let stripped = words
        .iter()
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    stripped
        .filter(|word| !word.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().expect("a split has a first part");
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(skipped) = last.replace(part) {
            let Some(at) = rest.find(skipped) else {
                return false;
            };
            rest = &rest[at + skipped.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_betray_secrets_by_their_words() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "dbPassword",
            "PGPASSWORD",
            "POSTGRES_PASSWORD_2",
            "db.pass",
            "API_KEY",
            "ApiKey",
            "apikey",
            "x-api-key",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY_BASE",
            "GITHUB_TOKEN",
            "SENTRY_DSN",
            "PRIVATE_KEY",
            "splunk-token",
            "AzureAccountKey",
            "GOOGLE_CREDENTIALS_JSON",
            "ConnectionStrings__Default",
            "MONGO_CONNECTION_STRING",
            "SIGNINGKEY",
            "requirepass",
        ] {
            assert!(betrays(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_sound_like_it_do_not() {
        for name in [
            "",
            "key",
            "KEY",
            "MONKEY",
            "TOKENIZER_MODEL",
            "TOKEN_TTL",
            "PASSWORD_FILE",
            "SECRET_ARN",
            "PUBLIC_KEY",
            "CACHE_KEY",
            "PARTITION_KEY",
            "COMPASS_MODE",
            "credentialSpecs",
            "credentialsParameter",
            "secretOptions",
            "valueFrom",
            "LOG_LEVEL",
            "TOKEN_URL",
        ] {
            assert!(!betrays(name), "{name}");
        }
    }

    #[test]
    fn the_user_adds_names_and_takes_names_away() {
        let rules = Rules {
            hide: vec!["TENANT_*".to_owned(), "pin".to_owned()],
            show: vec!["*_cache_token*".to_owned()],
        };
        let check = |name: &str, verdict| assert_eq!(rules.judge(name), verdict, "{name}");
        check("tenant_a", Verdict::Secret);
        check("PIN", Verdict::Secret);
        check("PINS", Verdict::Unsaid);
        check("THE_CACHE_TOKEN_1", Verdict::Open);
        check("TOKEN", Verdict::Secret);
        check("LOG_LEVEL", Verdict::Unsaid);
    }
}
