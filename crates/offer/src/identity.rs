//! Names that stay: publisher, offer and plan IDs (spec `offer.md`, *Offer identity*). Parsed once, so that a value of
//! these types is always well-formed; uniqueness is the store's business.

use serde::Serialize;

/// Longest publisher, offer or plan ID in characters (spec `offer.md`).
pub const ID_CHARS_MAX: usize = 50;

/// Publisher IDs that are taken by the marketplace itself: they are first parts of registry names and of pages.
pub const RESERVED_PUBLISHERS: &[&str] = &["incoming", "preview", "private", "api", "v2"];

/// Why a text is no ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has no character.
    #[error("is empty")]
    Empty,
    /// It has more than [`ID_CHARS_MAX`] characters.
    #[error("has {0} characters, at most {ID_CHARS_MAX} are allowed")]
    TooLong(usize),
    /// A character other than a lower-case letter, a digit or a dash.
    #[error(
        "has the character {0:?} at position {1}; only lower-case letters a-z, digits and dashes are allowed"
    )]
    Character(char, usize),
    /// It starts or ends with a dash.
    #[error("starts or ends with a dash")]
    Dash,
    /// It is one of [`RESERVED_PUBLISHERS`].
    #[error("is reserved for the marketplace")]
    Reserved,
}

fn check(text: &str) -> Result<(), IdError> {
    let count = text.chars().count();
    if count == 0 {
        return Err(IdError::Empty);
    }
    if count > ID_CHARS_MAX {
        return Err(IdError::TooLong(count));
    }
    if let Some((index, bad)) =
        text.chars().enumerate().find(|(_, c)| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-'))
    {
        return Err(IdError::Character(bad, index + 1));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(IdError::Dash);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text)?;
                let reserved: &[&str] = $reserved;
                if reserved.contains(&text) {
                    return Err(IdError::Reserved);
                }
                Ok($name(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Who publishes: 1 to 50 lower-case letters, digits and dashes, no dash at either end, not reserved.
    PublisherId,
    RESERVED_PUBLISHERS
);
id!(
    /// An offer of a publisher; the same form as [`PublisherId`].
    OfferId,
    &[]
);
id!(
    /// A plan (also called SKU) of an offer; the same form as [`PublisherId`].
    PlanId,
    &[]
);
