//! Routes that Edge Hub accepts and refuses, with the columns of the faults.

use offer::route::{Route, check_modules};
use proptest::prelude::*;

/// Text → normal form, and the columns of warnings.
#[test]
fn accepted() {
    let cases: &[(&str, &str, &[usize])] = &[
        ("FROM /* INTO $upstream", "FROM /* INTO $upstream", &[]),
        ("  select *\n from\t/messages/* into $UPSTREAM ", "FROM /messages/* INTO $upstream", &[]),
        ("FROM /twinChangeNotifications INTO $upstream", "FROM /twinChangeNotifications INTO $upstream", &[]),
        (
            "FROM /messages/modules/<FROM_MODULE_NAME>/outputs/* INTO BrokeredEndpoint(\"/modules/m/inputs/in\")",
            "FROM /messages/modules/<FROM_MODULE_NAME>/outputs/* INTO BrokeredEndpoint(\"/modules/m/inputs/in\")",
            &[],
        ),
        (
            "FROM /messages/modules/m/outputs/o INTO brokeredendpoint('/modules/<A>/inputs/in')",
            "FROM /messages/modules/m/outputs/o INTO BrokeredEndpoint('/modules/<A>/inputs/in')",
            &[],
        ),
        ("FROM /* /* all */ INTO $upstream", "", &[]),
        ("FROM / * /* all */ INTO /**/ $upstream", "FROM /* INTO $upstream", &[]),
        (
            "FROM / messages / modules / m / * INTO $upstream",
            "FROM /messages/modules/m/* INTO $upstream",
            &[],
        ),
        ("FROM /messages INTO $upstream", "FROM /messages INTO $upstream", &[6]),
        ("FROM /messages /* c */ INTO $upstream", "FROM /messages INTO $upstream", &[6]),
        ("FROM /messages/* WHERE a = 'b' /* c */ INTO $upstream", "FROM /messages INTO $upstream", &[15]),
        ("FROM /a/b INTO $upstream", "FROM /a/b INTO $upstream", &[6]),
        (
            "FROM /messages/modules/*/outputs/o INTO $upstream",
            "FROM /messages/modules/*/outputs/o INTO $upstream",
            &[6],
        ),
        ("FROM /* INTO $upstream and more", "FROM /* INTO $upstream", &[24]),
        ("FROM /* INTO BrokeredEndpoint('a/b/c/d/')", "FROM /* INTO BrokeredEndpoint('a/b/c/d/')", &[31]),
        ("FROM / * WHERE a = 'x*/' INTO $upstream", "FROM / * WHERE a = 'x*/' INTO $upstream", &[]),
    ];
    for (text, normal, warnings) in cases {
        match Route::parse(text) {
            Ok(route) => {
                assert_eq!(route.to_string(), *normal, "{text}");
                let columns: Vec<usize> = route.warnings.iter().map(|w| w.column).collect();
                assert_eq!(columns, *warnings, "{text}: {:?}", route.warnings);
            }
            Err(error) => assert_eq!(*normal, "", "{text}: {error}"),
        }
    }
}

/// Condition → normal form, and the columns of warnings (from the condition's first character).
#[test]
fn accepted_conditions() {
    let cases: &[(&str, &str, &[usize])] = &[
        ("true", "true", &[]),
        ("((a = 'b'))", "a = 'b'", &[]),
        ("$connectionModuleId = \"m\"", "$connectionModuleId = \"m\"", &[]),
        ("$body.machine.temperature >= 30", "$body.machine.temperature >= 30", &[]),
        ("{$body.readings[0].value} <> null", "{$body.readings[0].value} != null", &[]),
        ("{ $connectionDeviceId } = 'x'", "{$connectionDeviceId} = 'x'", &[]),
        ("NOT IS_DEFINED($connectionModuleId)", "NOT is_defined($connectionModuleId)", &[]),
        ("1 + 2 * 3 = 7", "1 + 2 * 3 = 7", &[]),
        ("(1 + 2) * 3 = 9", "(1 + 2) * 3 = 9", &[]),
        ("1 - (2 - 3) = 2", "1 - (2 - 3) = 2", &[]),
        ("(1 - 2) - 3 = -4", "1 - 2 - 3 = -4", &[]),
        ("NOT a = 'b' OR true and false", "", &[]),
        ("NOT (a = 'b') or true AND false", "NOT (a = 'b') OR true AND false", &[]),
        ("(true OR false) AND not not true", "(true OR false) AND NOT NOT true", &[]),
        ("a || 'x' || upper(b) = 'AxB'", "a || 'x' || upper(b) = 'AxB'", &[]),
        ("a ?? 'none' = 'none'", "", &[]),
        ("(a ?? 'none') = 'none'", "(a ?? 'none') = 'none'", &[]),
        ("as_number(a) > 0xFf AND .5 < 1e-3", "as_number(a) > 0xFf AND .5 < 1e-3", &[]),
        ("- (1) = -1", "- 1 = -1", &[]),
        ("'it\\'s \\u00e9 \\\\ \"x\"' = a", "'it\\'s \\u00e9 \\\\ \"x\"' = a", &[]),
        ("concat(a, 'b', $body.c) = 'x'", "concat(a, 'b', $body.c) = 'x'", &[]),
        ("substring(a, 1) = substring ( a , 1 , 2 )", "substring(a, 1) = substring(a, 1, 2)", &[]),
        ("as_number(temp) > <LIMIT>", "as_number(temp) > <LIMIT>", &[]),
        ("<A>='x'", "<A> = 'x'", &[]),
        ("a < 'b' /* c */ OR d>'e'", "a < 'b' OR d > 'e'", &[]),
        ("température = 'élevée'", "température = 'élevée'", &[]),
        ("undefined = undefined", "undefined = undefined", &[]),
        ("$body.a AND $body.b", "$body.a AND $body.b", &[]),
        // What Edge Hub takes otherwise than it looks.
        ("temp+1 = 'x'", "temp+1 = 'x'", &[1]),
        ("temp!='x'", "temp! = 'x'", &[1]),
        ("a = 'b' AND b = TRUE", "a = 'b' AND b = TRUE", &[17]),
        ("is_null(e5)", "is_null(e5)", &[9]),
        ("is_defined($a[0])", "is_defined($a[0])", &[12]),
        ("twin_change_includes(tags.a)", "twin_change_includes(tags.a)", &[1]),
    ];
    const BEFORE: &str = "FROM / * WHERE ";
    for (condition, normal, warnings) in cases {
        let text = format!("{BEFORE}{condition} INTO $upstream");
        match Route::parse(&text) {
            Ok(route) => {
                assert_eq!(route.condition.unwrap().to_string(), *normal, "{condition}");
                let columns: Vec<usize> = route.warnings.iter().map(|w| w.column - BEFORE.len()).collect();
                assert_eq!(columns, *warnings, "{condition}: {:?}", route.warnings);
            }
            Err(error) => assert_eq!(*normal, "", "{condition}: {error}"),
        }
    }
}

/// Text, column of the fault, message.
const REFUSED: &[(&str, usize, &str)] = &[
    ("", 1, "expected FROM or SELECT, found the end"),
    ("   ", 4, "expected FROM or SELECT, found the end"),
    ("FORM /* INTO $upstream", 1, "expected FROM or SELECT, found `FORM`"),
    ("SELECT FROM /* INTO $upstream", 8, "expected *, found `FROM`"),
    ("SELECT *FROM /* INTO $upstream", 8, "expected *, found `*FROM`"),
    ("FROM INTO $upstream", 6, "expected /, found `INTO`"),
    ("FROM messages INTO $upstream", 6, "expected /, found `messages`"),
    ("FROM /messages/ INTO $upstream", 17, "expected a name or *, found `INTO`"),
    ("FROM /messages/modules/not/* INTO $upstream", 24, "expected a name or *, found `not`"),
    ("FROM /messages/modules/1/* INTO $upstream", 24, "expected a name or *, found `1`"),
    ("FROM /messages/modules/<low>/* INTO $upstream", 24, "expected a name or *, found `<`"),
    ("FROM /* $upstream", 9, "expected /, WHERE or INTO, found `$upstream`"),
    ("FROM /* /* c */ INTO $upstream", 17, "expected /, found `INTO`"),
    ("FROM /* INTO", 13, "expected $upstream or BrokeredEndpoint, found the end"),
    ("FROM /* INTO upstream", 14, "expected $upstream or BrokeredEndpoint, found `upstream`"),
    ("FROM /* INTO $cloud", 14, "expected $upstream or BrokeredEndpoint, found `$cloud`"),
    (
        "FROM /* INTO BrokeredEndpoint \"/modules/a/inputs/b\")",
        31,
        "expected (, found `\"/modules/a/inputs/b\"`",
    ),
    ("FROM /* INTO BrokeredEndpoint(/modules/a/inputs/b)", 31, "expected a string, found `/`"),
    (
        "FROM /* INTO BrokeredEndpoint(\"/modules/a/inputs/b)",
        31,
        "the string that begins here has no closing quote",
    ),
    ("FROM /* INTO BrokeredEndpoint(\"/modules/a/inputs/b\"", 52, "expected ), found the end"),
    (
        "FROM /* INTO BrokeredEndpoint(\"/modules/a\")",
        31,
        "the endpoint `\"/modules/a\"` has 2 parts between slashes, not 4",
    ),
    ("FROM /* WHERE INTO $upstream", 15, "expected a value, a property, a function or (, found `INTO`"),
    ("FROM /* WHERE a == 'b' INTO $upstream", 18, "expected a value, a property, a function or (, found `=`"),
    (
        "FROM /* WHERE é = [3] INTO $upstream",
        19,
        "expected a value, a property, a function or (, found `[3]`",
    ),
    ("FROM /* WHERE a = 'b' && c = 'd' INTO $upstream", 23, "expected an operator or INTO, found `&&`"),
    ("FROM /* WHERE (a = 'b' INTO $upstream", 24, "expected an operator or ), found `INTO`"),
    ("FROM /* WHERE a = 'b') INTO $upstream", 22, "expected an operator or INTO, found `)`"),
    ("FROM /* WHERE a = 'b INTO $upstream", 19, "the string that begins here has no closing quote"),
    ("FROM /* WHERE a = 'b\\n' INTO $upstream", 21, "\\n is no escape in a string"),
    ("FROM /* WHERE @a = 'b' INTO $upstream", 15, "expected a value, a property, a function or (, found `@`"),
    (
        "FROM /* WHERE a[0] = 'b' INTO $upstream",
        15,
        "expected a value, a property, a function or (, found `a[0]`",
    ),
    (
        "FROM /* WHERE {a} = 'b' INTO $upstream",
        16,
        "expected a system property or body path after $, found `a`",
    ),
    ("FROM /* WHERE uper(a) = 'B' INTO $upstream", 15, "there is no function uper"),
    ("FROM /* WHERE upper() = 'B' INTO $upstream", 15, "the function upper takes 1 argument, not 0"),
    (
        "FROM /* WHERE substring(a) = 'B' INTO $upstream",
        15,
        "the function substring takes 2 or 3 arguments, not 1",
    ),
    (
        "FROM /* WHERE concat(a) = 'B' INTO $upstream",
        15,
        "the function concat takes at least 2 arguments, not 1",
    ),
    ("FROM /* WHERE upper(a 'B' INTO $upstream", 23, "expected an operator, , or ), found `'B'`"),
    // The types that Edge Hub's compiler demands.
    (
        "FROM /* WHERE temp > 30 INTO $upstream",
        20,
        "the operator > takes two values of one type, not a string and a number",
    ),
    (
        "FROM /* WHERE 3 + '4' = 7 INTO $upstream",
        17,
        "the operator + takes two numbers, not a number and a string",
    ),
    (
        "FROM /* WHERE as_number(true) = 1 INTO $upstream",
        15,
        "the function as_number takes a string or a number, not a truth value",
    ),
    ("FROM /* WHERE NOT a INTO $upstream", 15, "the operator NOT takes a truth value, not a string"),
    (
        "FROM /* WHERE true AND $body.a INTO $upstream",
        20,
        "the operator AND takes two truth values, not a truth value and a value of the body",
    ),
    (
        "FROM /* WHERE - $body.a = 1 INTO $upstream",
        15,
        "the operator - takes a number, not a value of the body",
    ),
    (
        "FROM /* WHERE $body. = 1 INTO $upstream",
        21,
        "expected a name that is not all digits, found the end of the path",
    ),
    ("FROM /* WHERE $body.a..b = 1 INTO $upstream", 23, "expected a name that is not all digits, found `.`"),
    ("FROM /* WHERE $body.a[x] = 1 INTO $upstream", 23, "expected an index such as [0], found `x`"),
    (
        "FROM /* WHERE twin_change_includes(a.b) INTO $upstream",
        15,
        "twin_change_includes takes the path of a twin's property, not \"a.b\"",
    ),
];

#[test]
fn refused() {
    for (text, column, message) in REFUSED {
        let error = Route::parse(text).expect_err(text);
        assert_eq!((error.column, error.message.as_str()), (*column, *message), "{text}");
        assert!(!error.hint.is_empty(), "{text}");
    }
}

#[test]
fn hints_say_the_way_out() {
    let hint = |text: &str| Route::parse(text).expect_err(text).hint;
    assert_eq!(hint("FROM /* INTO upstream"), "write $upstream");
    assert_eq!(hint("FROM /* WHERE start_with(a, 'b') INTO $upstream"), "did you mean starts_with?");
    assert_eq!(hint("FROM /* WHERE a == 'b' INTO $upstream"), "write a single = to compare");
    assert_eq!(
        hint("FROM /* /* c */ INTO $upstream"),
        "Edge Hub takes the text from column 6 to the next */ for a comment; write / * there, or remove */"
    );
    assert_eq!(
        hint("FROM /* WHERE temp > 30 INTO $upstream"),
        "message and system properties are strings; turn one into a number with as_number(…)"
    );
}

#[test]
fn deep_and_long_routes_are_refused_without_harm() {
    let deep = |open: &str, n: usize| format!("FROM /* WHERE {}true INTO $upstream", open.repeat(n));
    for text in [deep("(", 30_000), deep("NOT ", 10_000), deep("abs(", 10_000), deep("true AND ", 6_000)] {
        let error = Route::parse(&text).expect_err("too deep");
        assert_eq!(error.message, "the condition is nested deeper than 256 levels");
    }
    let nested = format!("FROM /* WHERE {}true{} INTO $upstream", "(".repeat(230), ")".repeat(230));
    assert!(Route::parse(&nested).is_ok());
    assert!(Route::parse(&" ".repeat(65_537)).unwrap_err().message.contains("65537 bytes"));
    let comments = format!("FROM {}", "/*".repeat(32_000));
    assert!(Route::parse(&comments).is_err());
}

#[test]
fn a_route_names_its_own_module_or_a_placeholder() {
    let said = |text: &str| -> Vec<String> {
        let route = Route::parse(text).unwrap();
        check_modules(&route, "Mine")
            .into_iter()
            .map(|e| format!("{}: {} | {}", e.column, e.message, e.hint))
            .collect()
    };
    assert_eq!(
        said("FROM /messages/modules/Mine/* INTO BrokeredEndpoint('/modules/<TO>/inputs/a')"),
        [""; 0]
    );
    assert_eq!(said("FROM /messages/modules/* INTO $upstream"), [""; 0]);
    assert_eq!(
        said("FROM /messages/modules/mine/outputs/a INTO BrokeredEndpoint('/modules/x<A>/inputs/a')"),
        [
            "24: the route names the module \"mine\", but the plan's own module is Mine | write Mine with the same capital \
             letters",
            "61: the route names the module \"x<A>\", but the plan's own module is Mine | write Mine, or a placeholder such \
             as <FROM_MODULE_NAME> that the customer fills in",
        ]
    );
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("null".to_owned()),
        "[a-z]{1,4}",
        "-?[0-9]{1,3}(\\.[0-9])?",
        "'[a-z */]{0,4}'",
        Just("$body.a[0].b".to_owned()),
        Just("{$x}".to_owned()),
        Just("<LIMIT>".to_owned()),
        Just("/* c */ a".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operators = prop::sample::select(vec![
            "*", "/", "%", "+", "-", "||", "<", "<=", ">", ">=", "=", "<>", "AND", "or", "??",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("NOT {a}")),
            inner.clone().prop_map(|a| format!("- {a}")),
            inner.clone().prop_map(|a| format!("IS_NULL({a})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("concat({a}, {b})")),
        ]
    })
}

fn assert_fixpoint(text: &str) {
    if let Ok(route) = Route::parse(text) {
        let normal = route.to_string();
        let again = Route::parse(&normal).unwrap_or_else(|error| panic!("{text}\n{normal}\n{error}"));
        assert_eq!(again.to_string(), normal, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_parsed_without_panic(text in ".{0,60}", tail in "[ -~é]{0,60}") {
        let _ = Route::parse(&text);
        let _ = Route::parse(&format!("FROM /* WHERE {tail}"));
        let _ = Route::parse(&format!("FROM /{tail}"));
    }

    #[test]
    fn token_soup_is_a_fixpoint(tokens in prop::collection::vec(prop::sample::select(vec![
        "FROM", "WHERE", "INTO", "/", "*", "/*", "*/", "$upstream", "a", "'x'", "(", ")", "=", "<A>", "1", "-", "{", "}",
        "BrokeredEndpoint", "'/modules/a/inputs/b'", " ", "NOT", "abs", ",", "\"", "\\",
    ]), 0..14)) {
        assert_fixpoint(&tokens.concat());
        assert_fixpoint(&format!("FROM /* WHERE {} INTO $upstream", tokens.join(" ")));
    }

    #[test]
    fn the_normal_form_is_a_fixpoint(condition in condition()) {
        assert_fixpoint(&format!("FROM / * WHERE {condition} INTO $upstream"));
    }
}
