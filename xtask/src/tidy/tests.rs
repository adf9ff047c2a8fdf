//! Each check fails on a small tree that has its fault, and says nothing about one that has none.

use std::path::PathBuf;

use super::allowed::Long;
use super::{Fault, Tree, check, text};

#[test]
fn a_good_tree_has_no_faults() {
    assert_eq!(Case::new().faults(), [] as [String; 0]);
}

#[test]
fn edges_between_crates() {
    let manifest = "[dependencies]\nserde.workspace = true\nmarket.workspace = true\n";
    Case::new()
        .with("crates/offer/Cargo.toml", manifest)
        .reports("crates/offer/Cargo.toml:3: `offer` must not depend on `market`");
    Case::new()
        .with("crates/offer/Cargo.toml", "[dependencies.market]\npath = \"../market\"\n")
        .reports("crates/offer/Cargo.toml:1: `offer` must not depend on `market`");
    Case::new()
        .with("crates/offer/Cargo.toml", "[dependencies]\nsqlx = \"1\"\n")
        .reports("crates/offer/Cargo.toml:2: `sqlx` is for market alone");
    Case::new()
        .with("crates/other/Cargo.toml", "")
        .reports("crates/other/Cargo.toml:1: crate `other` is not in the list of allowed edges");
    // Tests may use more.
    let faults = Case::new().with("crates/offer/Cargo.toml", "[dev-dependencies]\nmarket = \"1\"\n").faults();
    assert_eq!(faults, [] as [String; 0]);
}

#[test]
fn edges_between_modules() {
    for code in [
        "use crate::portal::page;",
        "use crate::{\n    access,\n    portal::{page, other},\n};",
        "fn f() { crate::portal::page() }",
    ] {
        let line = if code.contains('\n') { 4 } else { 2 };
        Case::new()
            .with("crates/market/src/api/offers.rs", &format!("//! x\n{code}\n"))
            .reports(&format!("crates/market/src/api/offers.rs:{line}: `api` uses `portal`"));
    }
    Case::new()
        .with("crates/market/src/pipeline.rs", "//! x\nuse crate::api::Body;\n")
        .reports("crates/market/src/pipeline.rs:2: `pipeline` uses `api`");
    let faults = Case::new()
        .with("crates/market/src/api.rs", "//! x\nuse crate::access::portal; // crate::portal\n")
        .faults();
    assert_eq!(faults, [] as [String; 0]);
}

#[test]
fn module_docs() {
    Case::new()
        .with("crates/offer/src/plan.rs", "fn plan() {}\n")
        .reports("crates/offer/src/plan.rs:1: the module does not open with `//!`");
}

#[test]
fn sizes() {
    let file = format!("//! x\n{}", "// a line\n".repeat(400));
    Case::new()
        .with("crates/offer/src/plan.rs", &file)
        .reports("crates/offer/src/plan.rs:401: 401 lines, the limit is 400");
    let body = "        let _ = 1;\n".repeat(69);
    let function = format!(
        "//! x\nimpl X {{\n    pub(crate) async fn long(\n        &self,\n    ) {{\n{body}    }}\n}}\n"
    );
    let case = Case::new().with("crates/offer/tests/plan.rs", &function);
    case.reports("crates/offer/tests/plan.rs:3: `fn long` has 73 lines, the limit is 70");
    let short = function.replacen(&"        let _ = 1;\n".repeat(3), "", 1);
    assert_eq!(Case::new().with("crates/offer/tests/plan.rs", &short).faults(), [] as [String; 0]);
}

#[test]
fn the_list_of_long_things() {
    const ENTRY: Long = Long { path: "crates/offer/src/plan.rs", function: None, reason: "a table" };
    let file = format!("//! x\n{}", "// a line\n".repeat(400));
    let case = Case::new().with("crates/offer/src/plan.rs", &file);
    assert_eq!(case.faults_with(&[ENTRY]), [] as [String; 0]);
    let stale = Case::new().faults_with(&[ENTRY]);
    assert_eq!(
        stale,
        ["xtask/src/tidy/allowed.rs:1: the file of crates/offer/src/plan.rs is listed but not too long"]
    );
    let bare = case.faults_with(&[Long { reason: "", ..ENTRY }]);
    assert!(bare[0].ends_with("is listed without a reason"), "{bare:?}");
}

#[test]
fn purity() {
    Case::new()
        .with("crates/offer/src/plan.rs", "//! x\nuse std::time::SystemTime;\n")
        .reports("crates/offer/src/plan.rs:2: `SystemTime`: `offer` has no I/O, clock or randomness");
    Case::new()
        .with("crates/certify/src/criteria/labels_present.rs", "//! x\nfn f() { std::fs::read(x) }\n")
        .reports("crates/certify/src/criteria/labels_present.rs:2: `std::fs`: no criterion does I/O");
    let harmless = "//! std::fs\nconst S: &str = \"std::fs\"; // std::fs\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    assert_eq!(Case::new().with("crates/offer/src/plan.rs", harmless).faults(), [] as [String; 0]);
}

#[test]
fn homes_of_sql_and_html() {
    Case::new()
        .with("crates/market/src/api.rs", "//! x\nfn f(e: sqlx::Error) {}\n")
        .reports("crates/market/src/api.rs:2: `sqlx::`: SQL is in `market/src/store` alone");
    Case::new().with("crates/market/src/api.rs", "//! x\nuse maud::html;\n").reports(
        "crates/market/src/api.rs:2: `maud::`: HTML is made in `market/src/portal` and `certify/src/report/html` alone",
    );
    let faults = Case::new()
        .with("crates/market/src/store/offers.rs", "//! x\nuse sqlx::Any;\n")
        .with("crates/market/src/portal/page.rs", "//! x\nuse maud::html;\n")
        .faults();
    assert_eq!(faults, [] as [String; 0]);
}

#[test]
fn the_registry_knows_no_offer() {
    Case::new()
        .with("crates/registry/src/lib.rs", "//! x\nuse offer::identity;\n")
        .reports("crates/registry/src/lib.rs:2: `offer::`: `registry` knows no offer");
}

#[test]
fn unfinished_code() {
    for word in ["todo!", "unimplemented!", "dbg!"] {
        Case::new()
            .with("crates/offer/tests/it.rs", &format!("fn f() {{\n    {word}()\n}}\n"))
            .reports(&format!("crates/offer/tests/it.rs:2: `{word}` is left in the code"));
    }
    Case::new()
        .with("crates/offer/tests/it.rs", "#[test]\n#[ignore]\nfn f() {}\n")
        .reports("crates/offer/tests/it.rs:2: `#[ignore` is left in the code");
}

#[test]
fn places_of_one_machine() {
    let case = Case::new();
    let root = case.folder.display().to_string();
    let document = format!("# Edgemarket\nlies in {root}/here\n");
    case.with("README.md", &document).reports(&format!("README.md:2: `{root}` is a path of one machine"));
    let host = concat!("pypi", ".org");
    Case::new()
        .with("docs/a.md", &format!("{host}\n"))
        .reports(&format!("docs/a.md:1: `{host}` is the host of a package registry"));
}

#[test]
fn documents() {
    Case::new()
        .with("ARCHITECTURE.md", "`crates/offer` `crates/market`\n")
        .reports("ARCHITECTURE.md:1: `crates/registry` is not in the code map");
    Case::new()
        .with("docs/a.md", "see [the map](../ARCHITECTURE.md#map) and [more](b.md)\n")
        .reports("docs/a.md:1: the link to `b.md` leads nowhere");
}

#[test]
fn comments_and_literals_are_blanked_out() {
    let code = "a /* x /* y */ */ b // c\n'\"' \"d\\\"e\" r#\"f\"g\"# 'h: &'h str '\\'' br\"i\" r#type";
    let expected = "a b\n'h: &'h str r#type";
    let kept = text::code_only(code);
    assert_eq!(kept.len(), code.len());
    let squeezed =
        kept.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(squeezed.join("\n"), expected);
}

/// A small workspace in a temporary folder.
struct Case {
    folder: PathBuf,
}

impl Case {
    fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tidy-{}-{number}", std::process::id()));
        Case { folder }
            .with("ARCHITECTURE.md", "`crates/offer` `crates/market` `crates/registry` `crates/other`\n")
            .with("crates/offer/Cargo.toml", "[dependencies]\nserde.workspace = true\n")
            .with("crates/market/Cargo.toml", "[dependencies]\noffer.workspace = true\n")
            .with("crates/registry/Cargo.toml", "")
            .with("crates/offer/src/lib.rs", "//! What a publisher writes.\n")
    }

    fn with(self, path: &str, text: &str) -> Self {
        let path = self.folder.join(path);
        let folder = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(folder).expect("created");
        std::fs::write(path, text).expect("written");
        self
    }

    fn faults(&self) -> Vec<String> {
        self.faults_with(&[])
    }

    fn faults_with(&self, long: &[Long]) -> Vec<String> {
        let tree = Tree::read(&self.folder).expect("readable");
        let first_line = |fault: &Fault| fault.to_string().lines().next().unwrap_or_default().to_owned();
        check(&tree, long).iter().map(first_line).collect()
    }

    #[track_caller]
    fn reports(&self, expected: &str) {
        assert_eq!(self.faults(), [expected]);
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
