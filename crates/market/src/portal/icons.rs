//! Small pictures in lines, drawn here: one for each category, and a few for buttons. Decoration only: words say the same.

use maud::{Markup, html};

/// Paths on a field of 24 × 24.
const PATHS: &[(&str, &str)] = &[
    (
        "ai-machine-learning",
        "M9 4a3 3 0 0 0-3 3 3 3 0 0 0-2 5 3 3 0 0 0 2 5 3 3 0 0 0 6 1V6a3 3 0 0 0-3-2zM15 4a3 3 0 0 1 3 3 3 3 0 0 1 2 5 3 3 0 0 1-2 5 3 3 0 0 1-6 1",
    ),
    ("analytics", "M4 20V4M4 20h16M8 16v-5M12 16V7M16 16v-7"),
    ("blockchain", "M4 4h6v6H4zM14 14h6v6h-6zM10 7h7v7M7 10v7h7"),
    ("compute", "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4"),
    ("containers", "M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12v9M12 12L4 7.5"),
    ("databases", "M5 6c0-4 14-4 14 0v12c0 4-14 4-14 0zM5 6c0 4 14 4 14 0M5 12c0 4 14 4 14 0"),
    ("developer-tools", "M8 7l-5 5 5 5M16 7l5 5-5 5M14 4l-4 16"),
    ("devops", "M7 8a4 4 0 1 0 0 8c5 0 5-8 10-8a4 4 0 1 1 0 8c-5 0-5-8-10-8z"),
    ("identity", "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 20c1-8 15-8 16 0"),
    ("integration", "M4 8h12l-3-4M20 16H8l3 4"),
    (
        "internet-of-things",
        "M12 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM12 3v7M12 14v7M5 7l5 4M14 13l5 4M19 7l-5 4M10 13l-5 4",
    ),
    ("it-management", "M4 5h16v11H4zM9 20h6M12 16v4"),
    ("media", "M4 5h16v14H4zM10 9l5 3-5 3z"),
    ("migration", "M4 12h13M12 6l6 6-6 6M20 4v16"),
    ("mixed-reality", "M3 8h18v9h-6l-3-3-3 3H3z"),
    ("monitoring", "M3 13h4l3-8 4 14 3-6h4"),
    ("networking", "M12 3v5M12 8H6v5M12 8h6v5M3 13h6v6H3zM15 13h6v6h-6z"),
    ("security", "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM9 12l2 2 4-4"),
    ("storage", "M4 5h16v6H4zM4 13h16v6H4zM7 8h2M7 16h2"),
    ("web", "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c6 5 6 13 0 18-6-5-6-13 0-18z"),
    (
        "badge",
        "M12 2l2.6 2.2 3.4-.3.8 3.3 2.9 1.8L20.400 12l1.300 3-2.900 1.800-.8 3.300-3.400-.3L12 22l-2.600-2.200-3.400.3-.8-3.300L2.300 15l1.300-3L2.300 9l2.900-1.800.8-3.300 3.400.3zM8.500 12l2.500 2.500 4.500-4.500",
    ),
    ("away", "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6"),
    ("play", "M8 5l11 7-11 7z"),
];

/// The picture of this name; nothing for a name without one.
pub(super) fn icon(name: &str) -> Markup {
    let found = PATHS.iter().find(|(known, _)| *known == name);
    html! {
        @if let Some((_, path)) = found {
            svg.icon viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
                stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" { path d=(path) {} }
        }
    }
}
