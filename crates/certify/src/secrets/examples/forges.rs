//! Examples of tokens of forges and registries. Data only.

use super::*;

pub(super) fn forges() -> Vec<Row> {
    let crc = |id, prefix: &'static str| {
        let wrong = format!("{prefix}{}", noise(BASE62, 36, 5));
        row(
            id,
            [with_crc(prefix, 1), format!("{{\"t\":\"{}\"}}", with_crc(prefix, 2))],
            [wrong, format!("{prefix}{}", "x".repeat(36)), format!("{prefix}install_me")],
        )
    };
    let fine = |seed| format!("github_pat_{}_{}", noise(BASE62, 22, seed), noise(BASE62, 59, seed));
    let macaroon = |seed| {
        let body = [&b"\x02\x01\x08pypi"[..], b".org\x02\x27", &bytes(100, seed)].concat();
        format!("pypi-{}", URL_SAFE_NO_PAD.encode(body))
    };
    let auths = |pair: &str| format!("{{\"auths\":{{\"r.io\":{{\"auth\":\"{}\"}}}}}}", STANDARD.encode(pair));
    let app = |seed| format!("ATBB{}{}", noise(BASE62, 24, seed), noise("0123456789ABCDEF", 8, seed));
    let crates = |seed| format!("[registry]\ntoken = \"cio{}\"\n", noise(BASE62, 32, seed));
    vec![
        crc("github-token", "ghp_"),
        crc("npm-token", "npm_"),
        row(
            "github-fine-grained-token",
            [fine(1), fine(2)],
            [fine(1)[..40].to_owned(), "github_pat_11AAAA".to_owned()],
        ),
        plain("gitlab-token", "glpat-", BASE62, 20),
        plain("gitlab-deploy-token", "gldt-", BASE62, 20),
        plain("gitlab-runner-token", "glrt-", BASE62, 20),
        plain("gitlab-trigger-token", "glptt-", HEX, 40),
        row("bitbucket-app-password", [app(1), app(2)], [app(3).to_lowercase(), "ATBBITS".to_owned()]),
        plain("atlassian-api-token", "ATATT3xFf", BASE62, 170),
        row(
            "npm-registry-auth",
            [
                format!("//r.io/:_authToken={}", noise(BASE62, 36, 1)),
                format!("//r.io/:_password=\"{}\"", base64(18, 2)),
            ],
            [
                "//npm.example.com/:_authToken=${NPM_TOKEN}".to_owned(),
                "_authToken: this.authToken,".to_owned(),
            ],
        ),
        row(
            "pypi-token",
            [macaroon(1), macaroon(2)],
            ["pypi-AgEIcHlwaS5vcmcC".to_owned(), format!("pypi-AgE{}", noise(BASE62, 100, 1))],
        ),
        plain("rubygems-key", "rubygems_", HEX, 48),
        row(
            "crates-io-token",
            [crates(1), format!("CARGO_REGISTRY_TOKEN=cio{}", noise(BASE62, 32, 2))],
            ["\"ciocolata\"".to_owned(), format!("token = \"cio{}\"", "x".repeat(32))],
        ),
        plain("nuget-api-key", "oy2", LOWER, 43),
        plain("docker-hub-token", "dckr_pat_", BASE62, 27),
        row(
            "registry-credentials",
            [auths("robot:gl4rW9x7"), auths("ci:s3Cr-7Kq")],
            [auths("user:password"), auths("ci:"), "{\"auths\": {}}".to_owned()],
        ),
        plain("artifactory-api-key", "AKCp", BASE62, 69),
        plain("sourcegraph-token", "sgp_", HEX, 40),
    ]
}
