//! Private ECR repositories, recognised by the host name of an image's registry.
//!
//! Host names are those of the Amazon ECR user guide ("Private registry", "Endpoints"): `ACCOUNT.dkr.ecr.REGION.amazonaws.com`
//! (`….com.cn` in China), and with a dual-stack endpoint `ACCOUNT.dkr-ecr.REGION.on.aws`; either with `-fips`.
//! **Invariant:** a registry that only looks like ECR is not ECR; a request is never sent to a guessed region.

use std::fmt;

/// What comes between the account and the region, and what may follow the region then.
const HOSTS: [(&str, &[&str]); 2] = [
    ("dkr.ecr", &["amazonaws.com", "amazonaws.com.cn"]),
    ("dkr-ecr", &["on.aws"]),
];
const ACCOUNT_LENGTH: usize = 12;

/// Twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(String);

/// A repository of a private ECR registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EcrRepository {
    /// The `registryId` of ECR requests.
    pub account: AccountId,
    pub region: String,
    /// What follows the region in the host name, such as `amazonaws.com.cn`: the mark of the partition.
    pub suffix: String,
    pub repository: String,
}

impl AccountId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EcrRepository {
    pub(super) fn recognise(registry: &str, repository: &str) -> Option<Self> {
        let (account, rest) = registry.split_once('.')?;
        if account.len() != ACCOUNT_LENGTH || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (region, suffix) = HOSTS
            .iter()
            .find_map(|(service, suffixes)| region_of(rest, service, suffixes))?;
        Some(Self {
            account: AccountId(account.to_owned()),
            region: region.to_owned(),
            suffix: suffix.to_owned(),
            repository: repository.to_owned(),
        })
    }
}

fn region_of<'a>(rest: &'a str, service: &str, suffixes: &[&str]) -> Option<(&'a str, &'a str)> {
    let rest = rest.strip_prefix(service)?;
    let (region, suffix) = rest
        .strip_prefix("-fips")
        .unwrap_or(rest)
        .strip_prefix('.')?
        .split_once('.')?;
    suffixes.contains(&suffix).then_some((region, suffix))
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::core::taskdef::ImageRef;

    fn recognised(image: &str) -> Option<(String, String, String)> {
        let ecr = image.parse::<ImageRef>().unwrap().ecr()?;
        Some((ecr.account.to_string(), ecr.region, ecr.repository))
    }

    #[test]
    fn every_host_name_of_ecr_is_recognised() {
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "us-gov-west-1",
            ),
            ("123456789012.dkr-ecr.us-west-1.on.aws", "us-west-1"),
            ("123456789012.dkr-ecr-fips.us-west-1.on.aws", "us-west-1"),
        ] {
            let expected = (
                "123456789012".to_owned(),
                region.to_owned(),
                "team/web".to_owned(),
            );
            assert_eq!(
                recognised(&format!("{host}/team/web:v1")),
                Some(expected),
                "{host}"
            );
        }
    }

    #[test]
    fn a_registry_that_only_looks_like_ecr_is_not() {
        for image in [
            "nginx",
            "public.ecr.aws/nginx/nginx:1",
            "12345.dkr.ecr.eu-west-1.amazonaws.com/web",
            "123456789012.dkr.ecr.eu-west-1.example.com/web",
            "123456789012.dkr.ecr.amazonaws.com/web",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/web",
            "123456789012.dkr-ecr.eu-west-1.amazonaws.com/web",
        ] {
            assert_eq!(recognised(image), None, "{image}");
        }
    }
}
