//! Image references: `[host/]repository[:tag][@sha256:…]`.

/// A reference taken apart. With both tag and digest the digest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// Host and repository, as written.
    pub name: &'a str,
    /// `latest` if neither tag nor digest is given.
    pub tag: Option<&'a str>,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: Option<&'a str>,
}

impl<'a> ImageName<'a> {
    pub fn parse(reference: &'a str) -> Self {
        let (rest, digest) = match reference.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (reference, None),
        };
        // A colon before the last slash is a host's port.
        let colon = rest.rfind(':').filter(|at| !rest[*at..].contains('/'));
        let (name, tag) = match (colon, digest) {
            (Some(at), _) => (&rest[..at], Some(&rest[at + 1..])),
            (None, Some(_)) => (rest, None),
            (None, None) => (rest, Some("latest")),
        };
        Self { name, tag, digest }
    }

    /// The repository's name if this lies in a private ECR registry: what follows `A.dkr.ecr.R.amazonaws.com/`.
    pub fn ecr_repository(self) -> Option<&'a str> {
        let (host, repository) = self.name.split_once('/')?;
        let private = host.contains(".dkr.ecr.")
            && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"));
        private.then_some(repository)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let check =
            |text: &str, name: &str, tag: Option<&str>, digest: Option<&str>, ecr: Option<&str>| {
                let image = ImageName::parse(text);
                assert_eq!(
                    (image.name, image.tag, image.digest, image.ecr_repository()),
                    (name, tag, digest, ecr),
                    "{text}"
                );
            };
        check("nginx", "nginx", Some("latest"), None, None);
        check(
            "localhost:5000/web",
            "localhost:5000/web",
            Some("latest"),
            None,
            None,
        );
        check(
            "localhost:5000/web:1",
            "localhost:5000/web",
            Some("1"),
            None,
            None,
        );
        check("web@sha256:ab", "web", None, Some("sha256:ab"), None);
        let host = "1.dkr.ecr.eu-west-1.amazonaws.com";
        check(
            &format!("{host}/team/web:1@sha256:ab"),
            &format!("{host}/team/web"),
            Some("1"),
            Some("sha256:ab"),
            Some("team/web"),
        );
    }
}
