//! Whatever a customer gives is what the module gets: generated files are read back as their targets read them.

use super::{entry, one, plan, values};
use crate::yaml::documents;
use offer::deployment::Form;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What Compose makes of a value: `$$` is a dollar sign, and any other `$` begins a variable.
fn interpolated(text: &str) -> String {
    let mut result = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        result.push(c);
        assert!(c != '$' || chars.next() == Some('$'), "a variable in {text:?}");
    }
    result
}

/// What Kubernetes makes of a value: `$$` is a dollar sign, and `$(` begins a variable.
fn expanded(text: &str) -> String {
    let mut result = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        result.push(c);
        if c == '$' {
            assert_ne!(chars.peek(), Some(&'('), "a variable in {text:?}");
            chars.next_if_eq(&'$');
        }
    }
    result
}

/// The words of a line of the shell that has nothing but single quotes and backslashes.
pub fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                begun = true;
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '\\' => {
                begun = true;
                word.extend(chars.next());
            }
            ' ' | '\n' => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                assert!(!"$`\"|&;<>()*?[]#~!{}".contains(c), "{c} is bare in {line:?}");
                begun = true;
                word.push(c);
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// Whether the nucleus would read a variable of the recipe.
fn has_variable(script: &str) -> bool {
    script.split('{').skip(1).any(|rest| {
        let name: String =
            rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-')).collect();
        !name.is_empty() && rest[name.len()..].starts_with(':') && rest.contains('}')
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Whatever a customer gives, and a publisher writes around it, is what the module gets.
    #[test]
    fn any_value_comes_back(
        value in prop_oneof![
            "[^\0]{1,40}",
            "[\n\r\t\u{85}\u{2028}\u{feff}'\"\\\\$\\{\\}(): #&*!|>%@`,?~-]{1,20}",
            Just("{configuration:/x}".to_owned()),
            Just("yes".to_owned()),
            Just("0x1F".to_owned()),
            Just("line one\nline two\n".to_owned()),
            Just("  lead\n\n\ntrail  \n".to_owned()),
        ],
        around in "[$ '{}:#a\n-]{0,6}",
    ) {
        let written = format!("{around}<VALUE>{around}");
        let meant = format!("{around}{value}{around}");
        let mut plan = plan("Sensor", json!({"Cmd": [written]}));
        plan.environment = vec![entry("GIVEN", &written)];
        let given = values(&[("VALUE", &value)]);
        let file = |form: Form, index: usize| one(&plan, &given, form).unwrap().files[index].content.clone();

        let azure: Value = serde_json::from_str(&file(Form::Azure, 0)).unwrap();
        let modules = &azure["modulesContent"]["$edgeAgent"]["properties.desired"]["modules"];
        prop_assert_eq!(&modules["Sensor"]["env"]["GIVEN"]["value"], &json!(meant));

        let compose = &documents(&file(Form::Compose, 0))[0]["services"]["Sensor"];
        let environment = compose["environment"][0].as_str().unwrap();
        prop_assert_eq!(interpolated(environment), format!("GIVEN={meant}"));
        prop_assert_eq!(interpolated(compose["command"][0].as_str().unwrap()), meant.clone());

        let kubernetes = documents(&file(Form::Kubernetes, 0));
        let container = &kubernetes[0]["spec"]["template"]["spec"]["containers"][0];
        prop_assert_eq!(expanded(container["env"][0]["value"].as_str().unwrap()), meant.clone());
        prop_assert_eq!(expanded(container["args"][0].as_str().unwrap()), meant.clone());

        let recipe = &documents(&file(Form::Greengrass, 0))[0];
        let script = recipe["Manifests"][0]["Lifecycle"]["Run"]["Script"].as_str().unwrap();
        prop_assert!(!has_variable(script), "{}", script);
        let words = shell_words(script.split_once('\n').unwrap().1);
        prop_assert!(words.contains(&format!("--env=GIVEN={meant}")), "{:?}", words);
        prop_assert_eq!(words.last().unwrap(), &meant);

        let margo = &documents(&file(Form::Margo, 0))[0];
        prop_assert_eq!(&margo["parameters"]["VALUE"]["value"], &json!(value));
        let package = &documents(&file(Form::Margo, 1))[0]["services"]["Sensor"];
        let environment = package["environment"][0].as_str().unwrap();
        let halves: Vec<String> = environment.split("${VALUE}").map(interpolated).collect();
        prop_assert_eq!(halves, [format!("GIVEN={around}"), around.clone()]);
    }
}
