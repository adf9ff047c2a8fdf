//! What a path under `/v2/` names. Read from the right, since a repository's name may have any number of parts, and
//! parts that look like the protocol's own words (`acme/blobs/manifests` is a fair name).

use super::failure::Failure;
use crate::name::is_repository;
use axum::http::Method;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Base,
    Token,
    Tags(&'a str),
    /// Repository; tag or digest, not checked.
    Manifest(&'a str, &'a str),
    /// Repository; digest, not checked.
    Blob(&'a str, &'a str),
    Uploads(&'a str),
    /// Repository; id, not checked.
    Upload(&'a str, &'a str),
    /// Repository; digest, not checked.
    Referrers(&'a str, &'a str),
}

impl<'a> Target<'a> {
    /// Reads what follows `/v2/`. The repository's name, where there is one, has been checked.
    pub fn parse(tail: &'a str) -> Result<Target<'a>, Failure> {
        let target = Target::split(tail).ok_or_else(Failure::no_such_page)?;
        match target {
            Target::Base | Target::Token => {}
            Target::Tags(name)
            | Target::Uploads(name)
            | Target::Manifest(name, _)
            | Target::Blob(name, _)
            | Target::Upload(name, _)
            | Target::Referrers(name, _) => {
                if !is_repository(name) {
                    return Err(Failure::name_invalid(name));
                }
            }
        }
        Ok(target)
    }

    /// What may be done with it.
    pub fn methods(&self) -> &'static [Method] {
        match self {
            Target::Base | Target::Tags(_) | Target::Referrers(..) => &[Method::GET, Method::HEAD],
            Target::Token => &[Method::GET, Method::POST],
            Target::Manifest(..) => &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE],
            Target::Blob(..) => &[Method::GET, Method::HEAD, Method::DELETE],
            Target::Uploads(_) => &[Method::POST],
            Target::Upload(..) => &[Method::GET, Method::PATCH, Method::PUT, Method::DELETE],
        }
    }

    fn split(tail: &'a str) -> Option<Target<'a>> {
        match tail {
            "" => return Some(Target::Base),
            "token" => return Some(Target::Token),
            _ => {}
        }
        // Clients write this one with and without the final slash.
        if let Some(name) =
            tail.strip_suffix("/blobs/uploads/").or_else(|| tail.strip_suffix("/blobs/uploads"))
        {
            return Some(Target::Uploads(name));
        }
        if let Some(name) = tail.strip_suffix("/tags/list") {
            return Some(Target::Tags(name));
        }
        let (head, last) = tail.rsplit_once('/')?;
        let (name, word) = head.rsplit_once('/')?;
        match word {
            "manifests" => Some(Target::Manifest(name, last)),
            "referrers" => Some(Target::Referrers(name, last)),
            "blobs" => Some(Target::Blob(name, last)),
            "uploads" => Some(Target::Upload(name.strip_suffix("/blobs")?, last)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn protocol_words_may_be_part_of_a_name() {
        let known = [
            ("", Target::Base),
            ("token", Target::Token),
            ("a/tags/list", Target::Tags("a")),
            ("manifests/tags/list", Target::Tags("manifests")),
            ("a/b/c/manifests/latest", Target::Manifest("a/b/c", "latest")),
            ("a/blobs/manifests/x", Target::Manifest("a/blobs", "x")),
            ("a/manifests/blobs/uploads/", Target::Uploads("a/manifests")),
            ("a/blobs/uploads", Target::Uploads("a")),
            ("a/blobs/uploads/id", Target::Upload("a", "id")),
            ("blobs/uploads/blobs/uploads/id", Target::Upload("blobs/uploads", "id")),
            ("a/blobs/sha256:0", Target::Blob("a", "sha256:0")),
            ("a/referrers/sha256:0", Target::Referrers("a", "sha256:0")),
        ];
        for (tail, target) in known {
            assert_eq!(Target::parse(tail).ok(), Some(target), "{tail}");
        }
        for tail in [
            "a",
            "a/b",
            "tags/list",
            "manifests/x",
            "/manifests/x",
            "A/manifests/x",
            "a//manifests/x",
            "_catalog",
        ] {
            assert!(Target::parse(tail).is_err(), "{tail}");
        }
    }

    proptest! {
        #[test]
        fn every_name_and_reference_round_trips(name in "[a-z]{1,9}(/(manifests|blobs|uploads|tags|[a-z0-9]{1,5})){0,4}", last in "[a-z0-9.]{1,9}") {
            let manifest = format!("{name}/manifests/{last}");
            prop_assert_eq!(Target::parse(&manifest).ok(), Some(Target::Manifest(&name, &last)));
            let upload = format!("{name}/blobs/uploads/{last}");
            prop_assert_eq!(Target::parse(&upload).ok(), Some(Target::Upload(&name, &last)));
            let tags = format!("{name}/tags/list");
            prop_assert_eq!(Target::parse(&tags).ok(), Some(Target::Tags(&name)));
        }

        #[test]
        fn any_path_is_read_without_panic(tail in "[a-z/:%.]{0,40}|.{0,40}") {
            let _ = Target::parse(&tail);
        }
    }
}
