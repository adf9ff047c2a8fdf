//! Where a field of the offer is edited. The one place that knows which tab of the form holds what.

/// Address of the field that a JSON pointer into the offer document names, in the form of this offer. The field's `id`
/// there is the pointer without its first slash, with `-` between its parts.
pub(in crate::portal) fn address(publisher: &str, offer: &str, pointer: &str) -> String {
    let pointer = pointer.trim_start_matches('/');
    let mut parts = pointer.split('/');
    let (section, rest) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
    let tab = match (section, rest.as_slice()) {
        ("plans", [_, "screenshots", ..]) => "pictures",
        ("plans", _) => "plans",
        ("listing", ["logos" | "videos", ..]) => "pictures",
        ("listing", ["previewSubscriptions", ..]) => "preview",
        ("listing", _) => "listing",
        ("leads", _) => "leads",
        ("support", _) => "support",
        _ => "settings",
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let id: String =
        pointer.chars().map(|c| if c == '/' { '-' } else { c }).filter(|c| is_plain(*c)).collect();
    let fragment = if id.is_empty() { String::new() } else { format!("#{id}") };
    format!("/publish/{publisher}/{offer}/{tab}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn each_field_has_its_tab() {
        let of = |pointer| address("contoso", "sensor", pointer).replace("/publish/contoso/sensor/", "");
        let asked = [
            "",
            "/name",
            "/plans",
            "/plans/0/tags/1",
            "/plans/2/screenshots/0/file",
            "/listing/logos/small",
            "/listing/previewSubscriptions/0/id",
            "/listing/title",
            "/leads/url",
            "/support/customer/email",
            "/<script>",
        ];
        assert_eq!(
            asked.map(of),
            [
                "settings",
                "settings#name",
                "plans#plans",
                "plans#plans-0-tags-1",
                "pictures#plans-2-screenshots-0-file",
                "pictures#listing-logos-small",
                "preview#listing-previewSubscriptions-0-id",
                "listing#listing-title",
                "leads#leads-url",
                "support#support-customer-email",
                "settings#script"
            ]
        );
    }
}
