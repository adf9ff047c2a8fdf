//! Follows in the next commit; until then as semantic versions.

pub(super) use super::semantic::parse;
