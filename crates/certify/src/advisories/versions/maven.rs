//! Follows in the next commit; until then by numbers and letters in turn.

pub(super) use super::rpm::parse;
