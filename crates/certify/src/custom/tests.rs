//! Expressions as a table: what each gives for the example image, and what is told of a wrong one.

use super::*;
use crate::criteria::example;
use crate::evidence::{Match, MatchKind, Package, PackageKind, Place};

/// The image that the table is about.
fn image() -> ImageEvidence {
    let mut image = example::image();
    image.config.config.env = Some(vec!["PATH=/bin".into(), "API_TOKEN=abc".into(), "MODE=fast".into()]);
    image.setuid = vec![example::file("usr/bin/su", 0o4755)];
    for (name, version) in [("openssl", "1.1.1"), ("bash", "5.2")] {
        image.packages.push(Package {
            kind: PackageKind::Deb,
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: None,
            source: None,
            licence: None,
            place: Place { layer: None, path: "var/lib/dpkg/status".to_owned() },
        });
    }
    image
}

fn told(text: &str, image: &ImageEvidence) -> String {
    let program = match compile(text) {
        Ok(program) => program,
        Err(error) => return format!("not compiled: {error}"),
    };
    let case = example::case_of(image);
    let variables = Variables::of(&case, Some(image), &|name| program.uses(name)).expect("small lists");
    match program.run(&variables) {
        Ok(outcome) => format!("{outcome:?}"),
        Err(reason) => format!("errored: {reason}"),
    }
}

#[test]
fn expressions_give_what_cel_says() {
    let table = [
        "true",
        "image.user != 'root' && image.os == 'linux'",
        "image.healthcheck",
        "image.labels['org.opencontainers.image.vendor'] == 'x'",
        "'missing' in image.labels",
        "has(image.labels.missing)",
        "image.env['API_TOKEN']",
        "[image.env['MODE'], image.env.API_TOKEN]",
        "image.entrypoint[0].startsWith('/app/')",
        "image.uncompressed_bytes < 100 * 1024 * 1024",
        "packages.all(p, p.name != 'bash')",
        "packages.filter(p, p.kind == 'deb').map(p, p.name + ' ' + p.version)",
        "packages.exists_one(p, p.name == 'openssl')",
        "packages.filter(p, p.name.matches('^open(ssl|ssh)$')).map(p, p.name)",
        "setuid.map(f, f.path)",
        "setuid.all(f, f.uid == 0)",
        "binaries.all(b, b.static)",
        "size(matches) == 0",
        "packages.map(p, p.version.size() > 3, p.name)",
        "packages.all(p, setuid.all(f, f.path != p.name))",
        "size(image.layers) > 0 ? ['has ' + string(size(image.layers)) + ' layer'] : []",
    ];
    let image = image();
    let lines: Vec<String> = table.iter().map(|text| format!("{text}\n    {}", told(text, &image))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn wrong_expressions_are_told() {
    let table = [
        "",
        "image.user ==",
        "image.user = 'x'",
        "packges.all(p, true)",
        "true &&\n  pakages.all(p, true)",
        "images.size() > 1",
        "image.user.lowerAscii() == 'x'",
        "Foo{a: 1}",
        "1 + 1",
        "[1, 2]",
        "image.nothing == 1",
        "image.user + 1 == 'x'",
        "image.user.matches('(')",
        "image.user.matches('(?:a{1000}){1000}')",
        "packages.all(p, q.name == p.name)",
        "packages.map(a, packages.map(b, packages.map(c, packages.map(d, 1)))) == []",
        "image.layers[7].digest == ''",
        "10 / 0 == 1",
    ];
    let image = image();
    let lines: Vec<String> = table.iter().map(|text| format!("{text}\n    {}", told(text, &image))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_an_evaluation_may_cost_is_bounded() {
    let mut image = image();
    let one = image.packages[0].clone();
    image.packages = (0..5_000).map(|n| Package { name: format!("package-{n}"), ..one.clone() }).collect();
    for text in [
        // Too many turns, too many comparisons, too much memory; errors of some turns do not hide it.
        "packages.all(a, packages.all(b, a.name != b.name || true))",
        "packages.all(a, packages.exists(b, b.nothing == 1) || true)",
        "packages.all(a, a in packages)",
        "packages.filter(a, packages == packages) == []",
        "packages.map(a, packages.map(b, b)) == []",
        "['0123456789'].map(a, a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a)\
         .map(a, a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a)\
         .map(a, a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a+a) == []",
        "packages.map(a, [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a]) == []",
    ] {
        let told = told(text, &image);
        assert!(told.contains("more steps or memory"), "{text:.60}: {told:.200}");
    }
    assert_eq!(
        told("packages.filter(p, p.name.endsWith('-4999')).map(p, p.name)", &image),
        r#"Found(["package-4999"])"#
    );
    image.packages = (0..20_001).map(|n| Package { name: format!("package-{n}"), ..one.clone() }).collect();
    let criterion = criterion("packages.all(p, true)");
    let judgement = judge(&criterion, &example::case_of(&image));
    assert!(matches!(judgement, Judgement::Errored(reason) if reason.contains("20001 items")));
}

/// Expressions that are made deeper until they are refused are evaluated, the deepest too, on a small stack.
#[test]
fn the_deepest_expression_needs_half_a_stack() {
    // A thread of the server has 2 MiB.
    const STACK_BYTES: usize = 1 << 20;
    let deep = |depth: usize| {
        let repeat = |text: &str| text.repeat(depth);
        [
            format!("{}true{}", repeat("("), repeat(")")),
            format!("{}true", repeat("!")),
            format!("{}1 == 1", repeat("-")),
            format!("'x'{} == ''", repeat(" + 'x'")),
            format!("1{} == 1", repeat(" * 1")),
            format!("{}1{} == []", repeat("["), repeat("]")),
            format!("{}1{} == 1", repeat("{'a': "), repeat("}")),
            format!("image{} == 1", repeat(".user")),
            format!("{}image", repeat("'x' in ")),
            format!("{}true", repeat("true == ")),
            format!("{}true{}", repeat("dyn("), repeat(")")),
            format!("{}true", repeat("false ? false : ")),
            format!("true{}", repeat(" && true")),
            format!("packages.all(p, setuid.all(q, {}true{}))", repeat("dyn("), repeat(")")),
            format!("packages.map(p, packages.map(q, {}1{})) == []", repeat("["), repeat("]")),
        ]
    };
    let work = move || {
        for shape in 0..deep(0).len() {
            let refused =
                (1..400).map(deep).any(|texts| told(&texts[shape], &image()).starts_with("not compiled"));
            // The parser folds these, so that they do not get deeper.
            let folded =
                ["(true", "!true", "-1", "true &&"].iter().any(|text| deep(1)[shape].starts_with(text));
            assert!(refused || folded, "{}", deep(1)[shape]);
        }
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread");
    thread.join().expect("every expression is evaluated or refused");
}

fn criterion(expression: &str) -> CustomCriterion {
    let text = format!(
        "[[custom-criteria]]\nid = 'x-own'\ntitle = 'Own'\nhint = 'mend it'\nmessage = 'broken'\nblocking = true\n\
         severity = 'high'\nexpression = '''{expression}'''\n"
    );
    offer::policy::Policy::from_toml(&text).expect("a policy").custom_criteria.remove(0)
}

#[test]
fn a_false_expression_is_a_finding_of_the_image() {
    let image = image();
    let findings = example::findings(judge(&criterion("image.user == 'root'"), &example::case_of(&image)));
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].message.as_str(), findings[0].blocking), ("broken", true));
    assert_eq!(findings[0].severity, Severity::High);
    assert_eq!(findings[0].place, Where::image(&image));
    let judgement = judge(&criterion("plan.hidden"), &example::case_of(&image));
    assert_eq!(judgement, Judgement::NotApplicable(NO_OFFER.to_owned()));
}

#[test]
fn no_secret_reaches_an_expression() {
    let mut image = image();
    image.config.config.env = Some(vec!["CONN=HostName=h;SharedAccessKey=c2VjcmV0".into()]);
    image.config.config.cmd = Some(vec!["--key=abc".into()]);
    let found = |path: &str| Match {
        kind: MatchKind::Secret { kind: "azure".into(), key_or_connection_string: true, published: false },
        place: Place { layer: None, path: path.to_owned() },
        evidence: "Shar…".into(),
        deleted_later: false,
    };
    image.matches = vec![found("config.Env"), found("config.Cmd")];
    assert_eq!(told("[image.env.CONN, image.cmd[0]]", &image), r#"Found(["(withheld)", "(withheld)"])"#);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_compiler_panic(text in "(?s).{0,80}") {
        let _ = compile(&text);
    }
    #[test]
    fn no_program_makes_the_interpreter_panic(parts in proptest::collection::vec(0_usize..30, 1..25)) {
        let words = [
            "packages", "image", ".", "name", "(", ")", "[", "]", "{", "}", "&&", "||", "==", "!", "-", "+", "?", ":",
            "'a'", "1", "1u", "2.5", "null", ".map(", "x,", "x", ".all(", "in", "size(", "0x7fffffffffffffff",
        ];
        let text: String = parts.iter().flat_map(|part| [words[*part], " "]).collect();
        told(&text, &image());
    }
}
