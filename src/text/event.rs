//! What the event that started a workflow says of its pull request (GitHub, "Webhook events and payloads").

use serde_json::Value;

/// The number of the pull request that the event is about; `reference` is GITHUB_REF.
pub fn pull_request(event: &Value, reference: &str) -> Option<u64> {
    let number = |path: &str| event.pointer(path).and_then(Value::as_u64);
    let commented = || {
        event.pointer("/issue/pull_request")?;
        number("/issue/number")
    };
    let of_reference = || {
        let rest = reference.strip_prefix("refs/pull/")?;
        rest.split('/').next()?.parse().ok()
    };
    number("/pull_request/number")
        .or_else(commented)
        .or_else(|| number("/workflow_run/pull_requests/0/number"))
        .or_else(of_reference)
}

/// The newest commit of the pull request. GITHUB_SHA is a merge of it that nobody sees.
pub fn head_commit(event: &Value) -> Option<String> {
    let sha = event
        .pointer("/pull_request/head/sha")
        .or_else(|| event.pointer("/workflow_run/head_sha"));
    sha.and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_event_names_its_pull_request() {
        let check = |event: Value, reference: &str, number| {
            assert_eq!(pull_request(&event, reference), number, "{event}");
        };
        check(json!({"pull_request": {"number": 7}}), "", Some(7));
        check(
            json!({"issue": {"number": 8, "pull_request": {}}}),
            "",
            Some(8),
        );
        check(json!({"issue": {"number": 8}}), "", None);
        check(
            json!({"workflow_run": {"pull_requests": [{"number": 9}]}}),
            "",
            Some(9),
        );
        check(Value::Null, "refs/pull/10/merge", Some(10));
        check(json!({"ref": "refs/heads/main"}), "refs/heads/main", None);
    }

    #[test]
    fn the_commit_is_the_one_that_people_see() {
        let event = json!({"pull_request": {"head": {"sha": "abc"}}});
        assert_eq!(head_commit(&event).as_deref(), Some("abc"));
        assert_eq!(head_commit(&Value::Null), None);
    }
}
