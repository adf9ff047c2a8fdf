//! "Did you mean …?": the known name nearest to a mistyped one.

/// The name of `known` that is most similar to `typed` in any case, if it is at least `similarity_min` similar
/// (Jaro–Winkler, 0 to 1).
pub fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
    similarity_min: f64,
) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= similarity_min)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, name)| name)
}
