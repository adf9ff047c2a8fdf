//! The default module name: what a plan's module is called on a device unless the customer says otherwise
//! (spec `offer.md`, *Plans*: the letters and digits of the title).

/// Longest module name in characters (IoT Hub's limit on module identities).
pub const MODULE_NAME_CHARS_MAX: usize = 128;

/// Names of the runtime's own two modules, which no other container on the device may have.
const RUNTIME_MODULES: [&str; 2] = ["edgeAgent", "edgeHub"];

/// Why there is no usable module name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleNameError {
    /// Nothing is left of the title.
    #[error("the title {0:?} has no letter a-z and no digit, so it gives no module name")]
    Empty(String),
    /// A character that the runtime does not take.
    #[error("the module name {0:?} has the character {1:?}")]
    Character(String, char),
    /// More than [`MODULE_NAME_CHARS_MAX`] characters.
    #[error("the module name has {0} characters, at most {MODULE_NAME_CHARS_MAX} are allowed")]
    TooLong(usize),
    /// The name of one of the runtime's own modules.
    #[error("the module name {0} is the name of a module of the IoT Edge runtime")]
    Reserved(String),
}

impl ModuleNameError {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            ModuleNameError::Empty(_) => "put at least one letter a-z or digit into the plan's title",
            ModuleNameError::Reserved(_) => "choose another title or module name",
            ModuleNameError::Character(..) | ModuleNameError::TooLong(_) => {
                "use letters a-z and A-Z, digits, underscores and dashes"
            }
        }
    }
}

/// The default module name of a plan with this title: its ASCII letters and digits, in order. The runtime takes no
/// others, so accented Latin letters are written without their accent (`Détecteur d’été` gives `Detecteurdete`), and
/// letters of other scripts are dropped.
pub fn default_module_name(title: &str) -> Result<String, ModuleNameError> {
    let mut name = String::with_capacity(title.len());
    for c in title.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c),
            c => name.push_str(without_accent(c)),
        }
    }
    if name.is_empty() {
        return Err(ModuleNameError::Empty(title.to_owned()));
    }
    check_module_name(&name)?;
    Ok(name)
}

/// Whether the runtime takes this module name: `^[a-zA-Z0-9_-]+$`, and not a name of its own.
pub fn check_module_name(name: &str) -> Result<(), ModuleNameError> {
    if name.is_empty() {
        return Err(ModuleNameError::Empty(String::new()));
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))) {
        return Err(ModuleNameError::Character(name.to_owned(), bad));
    }
    if name.len() > MODULE_NAME_CHARS_MAX {
        return Err(ModuleNameError::TooLong(name.len()));
    }
    if RUNTIME_MODULES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(ModuleNameError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// The ASCII spelling of a letter of the Latin alphabets of Europe; empty for every other character.
fn without_accent(c: char) -> &'static str {
    const SPELLINGS: &[(&str, &str)] = &[
        ("ÀÁÂÃÄÅĀĂĄ", "A"),
        ("àáâãäåāăą", "a"),
        ("ÇĆĈĊČ", "C"),
        ("çćĉċč", "c"),
        ("ÐĎĐ", "D"),
        ("ðďđ", "d"),
        ("ÈÉÊËĒĔĖĘĚ", "E"),
        ("èéêëēĕėęě", "e"),
        ("ĜĞĠĢ", "G"),
        ("ĝğġģ", "g"),
        ("ĤĦ", "H"),
        ("ĥħ", "h"),
        ("ÌÍÎÏĨĪĬĮİ", "I"),
        ("ìíîïĩīĭįı", "i"),
        ("Ĵ", "J"),
        ("ĵ", "j"),
        ("Ķ", "K"),
        ("ķ", "k"),
        ("ĹĻĽĿŁ", "L"),
        ("ĺļľŀł", "l"),
        ("ÑŃŅŇ", "N"),
        ("ñńņň", "n"),
        ("ÒÓÔÕÖØŌŎŐ", "O"),
        ("òóôõöøōŏő", "o"),
        ("ŔŖŘ", "R"),
        ("ŕŗř", "r"),
        ("ŚŜŞŠȘ", "S"),
        ("śŝşšș", "s"),
        ("ŢŤŦȚ", "T"),
        ("ţťŧț", "t"),
        ("ÙÚÛÜŨŪŬŮŰŲ", "U"),
        ("ùúûüũūŭůűų", "u"),
        ("Ŵ", "W"),
        ("ŵ", "w"),
        ("ÝŶŸ", "Y"),
        ("ýŷÿ", "y"),
        ("ŹŻŽ", "Z"),
        ("źżž", "z"),
        ("Æ", "AE"),
        ("æ", "ae"),
        ("Œ", "OE"),
        ("œ", "oe"),
        ("Þ", "Th"),
        ("þ", "th"),
        ("ß", "ss"),
    ];
    SPELLINGS.iter().find(|(letters, _)| letters.contains(c)).map_or("", |(_, spelling)| spelling)
}
