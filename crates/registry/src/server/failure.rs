//! How a request fails: status, the specification's error code (OCI distribution spec 1.1, *Error Codes*), and a text
//! for people. Internal texts are logged, never sent.

use crate::{blobs, owner::Refusal};
use axum::{
    Json,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use oci::digest::Digest;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    /// Not in the specification's list; what Docker's registry has always sent for its own failures.
    Unknown,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Code::BlobUnknown => "BLOB_UNKNOWN",
            Code::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Code::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Code::DigestInvalid => "DIGEST_INVALID",
            Code::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Code::ManifestInvalid => "MANIFEST_INVALID",
            Code::ManifestUnknown => "MANIFEST_UNKNOWN",
            Code::NameInvalid => "NAME_INVALID",
            Code::NameUnknown => "NAME_UNKNOWN",
            Code::SizeInvalid => "SIZE_INVALID",
            Code::Unauthorized => "UNAUTHORIZED",
            Code::Denied => "DENIED",
            Code::Unsupported => "UNSUPPORTED",
            Code::TooManyRequests => "TOOMANYREQUESTS",
            Code::Unknown => "UNKNOWN",
        }
    }
}

#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: Code,
    message: String,
    hint: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Failure {
        Failure { status, code, message: message.into(), hint: None, headers: Vec::new() }
    }

    /// 400.
    pub fn bad(code: Code, message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub fn missing(code: Code, message: impl Into<String>) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, code, message)
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Failure {
        self.headers.push((name, value));
        self
    }

    pub fn no_such_page() -> Failure {
        Failure::missing(Code::Unsupported, "no such endpoint; see the OCI distribution specification 1.1")
    }

    pub fn name_invalid(name: &str) -> Failure {
        let shown: String = name.chars().take(100).collect();
        Failure::bad(
            Code::NameInvalid,
            format!(
                "{shown:?} is no repository name: lower-case words joined by . _ __ - and /, at most 255 bytes"
            ),
        )
    }

    /// One text for the missing and the forbidden, so that nobody learns which it is.
    pub fn name_unknown() -> Failure {
        Failure::missing(
            Code::NameUnknown,
            "there is no such repository, or these credentials may not read it",
        )
    }

    pub fn method_not_allowed(method: &Method, allowed: &[Method]) -> Failure {
        let list = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let allow = HeaderValue::from_str(&list).expect("method names are header text");
        let message = format!("{method} is not possible here, only {list}");
        Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unsupported, message)
            .with_header(header::ALLOW, allow)
    }

    /// 500; the text goes to the log only.
    pub fn internal(text: &dyn std::fmt::Display) -> Failure {
        tracing::error!("registry: {text}");
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unknown,
            "the registry failed; its log says why",
        )
    }

    /// 500: the records name it, and the store has lost it, or a scrub set it aside because it was rotten.
    pub fn lost(digest: &Digest) -> Failure {
        tracing::error!("registry: {digest} is recorded but not stored");
        let message = format!("the registry has lost the content {digest}, or set it aside as damaged");
        let mut failure = Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown, message);
        failure.hint = Some("push it again, or ask the operator to restore the blob store");
        failure
    }

    /// A refusal of the owner's that is not about who asks; `missing` is the code for [`Refusal::NotFound`].
    pub fn refused(refusal: Refusal, missing: Code) -> Failure {
        let text = refusal.to_string();
        match refusal {
            Refusal::Unauthenticated => Failure::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, text),
            Refusal::Denied(_) => Failure::new(StatusCode::FORBIDDEN, Code::Denied, text),
            Refusal::NotFound if missing == Code::NameUnknown => Failure::name_unknown(),
            Refusal::NotFound => Failure::missing(missing, text),
            Refusal::Immutable(_) => Failure::new(StatusCode::CONFLICT, Code::Denied, text),
            Refusal::Invalid(_) if missing == Code::BlobUnknown => {
                Failure::bad(Code::BlobUploadInvalid, text)
            }
            Refusal::Invalid(_) => Failure::bad(Code::ManifestInvalid, text),
            Refusal::Unsupported(_) => Failure::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unsupported, text),
            Refusal::TooManyRequests { retry_after_seconds } => {
                Failure::new(StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests, text)
                    .with_header(header::RETRY_AFTER, retry_after_seconds.into())
            }
            Refusal::Internal(_) => Failure::internal(&text),
        }
    }

    pub fn into_response(self) -> Response {
        let mut error = serde_json::json!({ "code": self.code.name(), "message": self.message });
        if let Some(hint) = self.hint {
            error["detail"] = serde_json::json!({ "hint": hint });
        }
        let mut response = (self.status, Json(serde_json::json!({ "errors": [error] }))).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<blobs::Error> for Failure {
    fn from(error: blobs::Error) -> Failure {
        use blobs::Error as E;
        let (status, code) = match &error {
            E::Io { .. } if error.is_disk_full() => {
                tracing::error!("registry: {error}");
                let mut failure = Failure::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    Code::BlobUploadInvalid,
                    "the registry's disk is full; nothing of this upload was kept",
                );
                failure.hint = Some("ask the operator to free some space, then push again");
                return failure;
            }
            E::Io { .. } => return Failure::internal(&error),
            E::Remote { .. } | E::Unusable { .. } => {
                tracing::error!("registry: {error}");
                let message = "the store behind the registry does not answer as it should";
                let mut failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unknown, message);
                failure.hint = Some("try again in a while; the registry's log says why");
                return failure;
            }
            E::DigestMismatch { .. } => (StatusCode::BAD_REQUEST, Code::DigestInvalid),
            E::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid),
            E::UploadUnknown(_) => (StatusCode::NOT_FOUND, Code::BlobUploadUnknown),
            E::UploadBusy(_) => (StatusCode::CONFLICT, Code::BlobUploadInvalid),
            E::WrongOffset { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, Code::BlobUploadInvalid),
            E::Stream(_) => (StatusCode::BAD_REQUEST, Code::BlobUploadInvalid),
            E::Stopping => (StatusCode::SERVICE_UNAVAILABLE, Code::Unknown),
        };
        let mut failure = Failure::new(status, code, error.to_string());
        failure.hint = Some(error.hint());
        failure
    }
}
