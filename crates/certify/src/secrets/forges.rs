//! Kinds of secrets: forges, package registries and container registries. Data only.

use super::checks::{any, basic_pair, crc_base62, mixed, pypi};
use super::{Kind, token};

/// In the order in which they are tried.
pub(super) static KINDS: [Kind; 18] = [
    token(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"\b(gh[pousr]_[A-Za-z0-9]{36,255})\b",
        crc_base62,
    ),
    token(
        "github-fine-grained-token",
        &["github_pat_"],
        r"\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b",
        any,
    ),
    token("gitlab-token", &["glpat-"], r"\b(glpat-[A-Za-z0-9_.-]{20,300})", any),
    token("gitlab-deploy-token", &["gldt-"], r"\b(gldt-[A-Za-z0-9_-]{20,64})", any),
    token(
        "gitlab-runner-token",
        &["glrt-", "GR1348941"],
        r"\b((?:glrt-|GR1348941)[A-Za-z0-9_-]{20,64})",
        any,
    ),
    token("gitlab-trigger-token", &["glptt-"], r"\b(glptt-[0-9a-f]{40})\b", any),
    token("bitbucket-app-password", &["ATBB"], r"\b(ATBB[A-Za-z0-9]{24}[0-9A-F]{8})\b", any),
    token("atlassian-api-token", &["ATATT3x", "ATCTT3x"], r"\b(AT[AC]TT3x[A-Za-z0-9+/=_-]{150,300})", any),
    token("npm-token", &["npm_"], r"\b(npm_[A-Za-z0-9]{36})\b", crc_base62),
    token(
        "npm-registry-auth",
        &["_authToken", ":_auth", ":_password"],
        r#":?_(?:authToken|auth|password)["']?\s{0,4}[=:]\s{0,4}["']?([A-Za-z0-9_+/=-]{20,400})"#,
        any,
    ),
    token("pypi-token", &["pypi-AgE"], r"\b(pypi-AgE[A-Za-z0-9_-]{50,400})", pypi),
    token("rubygems-key", &["rubygems_"], r"\b(rubygems_[0-9a-f]{48})\b", any),
    token(
        "crates-io-token",
        &["\"cio", "=cio", "CARGO_REGISTRY_TOKEN"],
        r#"["'=\s](cio[A-Za-z0-9]{32})\b"#,
        mixed,
    ),
    token("nuget-api-key", &["oy2"], r"\b(oy2[a-z0-9]{43})\b", any),
    token("docker-hub-token", &["dckr_pat_", "dckr_oat_"], r"\b(dckr_[po]at_[A-Za-z0-9_-]{27,32})", any),
    token(
        "registry-credentials",
        &["\"auths\""],
        r#""auths"[^\x00]{1,4000}?"auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{8,4000}={0,2})""#,
        basic_pair,
    )
    .within(8, 8 << 10),
    token("artifactory-api-key", &["AKCp"], r"\b(AKCp[A-Za-z0-9]{69})\b", any),
    token("sourcegraph-token", &["sgp_"], r"\b(sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40})\b", any),
];
