//! Default module names.

use offer::module_name::{ModuleNameError, check_module_name, default_module_name};

#[test]
fn letters_and_digits_of_the_title_remain() {
    for (title, name) in [
        ("Contoso Module", "ContosoModule"),
        ("Vibration monitor 2.0 (beta)", "Vibrationmonitor20beta"),
        ("Détecteur d’été", "Detecteurdete"),
        ("Größe & Æther", "GrosseAEther"),
        ("温度 sensor", "sensor"),
    ] {
        assert_eq!(default_module_name(title).as_deref(), Ok(name), "{title}");
    }
}

#[test]
fn titles_without_a_usable_name_are_refused() {
    assert_eq!(default_module_name("温度"), Err(ModuleNameError::Empty("温度".to_owned())));
    assert_eq!(default_module_name("Edge Hub"), Err(ModuleNameError::Reserved("EdgeHub".to_owned())));
    assert_eq!(check_module_name("a b"), Err(ModuleNameError::Character("a b".to_owned(), ' ')));
    assert_eq!(check_module_name(&"a".repeat(129)), Err(ModuleNameError::TooLong(129)));
    assert_eq!(check_module_name("my_module-1"), Ok(()));
}
