//! Where a module runs: `os/architecture[/variant]`, as OCI images and the policy file write it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A platform, for example `linux/arm/v7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// From parts as an image config has them. `linux/arm64/v8` is the same platform as `linux/arm64`.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let variant = match (architecture, variant) {
            (_, None | Some("")) | ("arm64", Some("v8")) | ("amd64", Some("v1")) => None,
            (_, Some(variant)) => Some(variant.to_owned()),
        };
        Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant }
    }
    /// Operating system, for example `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }
    /// CPU architecture in Go's spelling, for example `amd64`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }
    /// Variant of the architecture, for example `v7`.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

impl std::str::FromStr for Platform {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [os, architecture] if !os.is_empty() && !architecture.is_empty() => {
                Ok(Platform::new(os, architecture, None))
            }
            [os, architecture, variant] if ![os, architecture, variant].contains(&"") => {
                Ok(Platform::new(os, architecture, Some(variant)))
            }
            _ => Err(format!(
                "{text:?} is no platform; the form is os/architecture[/variant], for example linux/arm/v7"
            )),
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
