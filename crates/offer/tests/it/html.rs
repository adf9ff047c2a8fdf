//! Simple HTML: what stays, what goes, and that it is told.

use offer::html::{clean, last_paragraph, text};

#[test]
fn simple_html_stays_as_it_is() {
    for html in [
        "<p>One <strong>two</strong> <em>three</em></p>",
        "<ul><li>a</li><li>b</li></ul>",
        "<h2>Title</h2><p>x &lt; y &amp; z<br>é 日本</p>",
        "<table><tbody><tr><td>1</td></tr></tbody></table>",
    ] {
        let cleaned = clean(html);
        assert_eq!((cleaned.html.as_str(), cleaned.removed.len()), (html, 0));
    }
    let link = clean("<a href=\"https://contoso.com/\">x</a> <a href=\"mailto:a@contoso.com\">y</a>");
    assert!(link.removed.is_empty());
    assert!(link.html.contains("href=\"https://contoso.com/\" rel=\"noopener noreferrer nofollow\""));
}

#[test]
fn what_could_harm_goes_and_is_told() {
    let attacks = [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<iframe src='https://evil.example'></iframe>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=' jAvAsCrIpT:alert(1)'>x</a>",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='//evil.example'>x</a>",
        "<a href='https://contoso.com' onclick='x()'>x</a>",
        "<p onmouseover=alert(1)>x</p>",
        "<object data=x></object><embed src=x>",
        "<form action='https://evil.example'><input name=a><button>b</button></form>",
        "<style>p { background: url(https://evil.example) }</style>",
        "<link rel=stylesheet href=https://evil.example/x.css>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<base href='https://evil.example/'>",
        "<math><mtext></p><script>alert(1)</script>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<textarea><script>alert(1)</script></textarea>",
        "<p style='position:fixed'>x</p>",
        "<!-- a comment --><p>x</p>",
        "<p>unclosed <b>bold",
    ];
    let told: Vec<String> = attacks
        .iter()
        .map(|attack| {
            let cleaned = clean(attack);
            let lower = cleaned.html.to_lowercase();
            for bad in [
                "<script",
                "onerror",
                "onload",
                "onclick",
                "onmouse",
                "javascript:",
                "<iframe",
                "<svg",
                "style",
            ] {
                assert!(!lower.contains(bad), "{attack} gave {}", cleaned.html);
            }
            let removed: Vec<String> = cleaned
                .removed
                .iter()
                .map(|removal| format!("{}{}", if removal.harmful { "! " } else { "" }, removal.what))
                .collect();
            format!("{attack}\n  = {}\n  - {}", cleaned.html, removed.join("; "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn cleaning_twice_is_cleaning_once() {
    let once = clean("<div><p class=x>a<script>b</script></p><a href='https://contoso.com'>c</a></div>").html;
    assert_eq!(clean(&once).html, once);
}

#[test]
fn lines_of_removals_are_told() {
    let cleaned = clean("<p>a</p>\n\n<script>x</script>\n<p onclick=y>b</p>");
    assert_eq!(cleaned.removed.iter().map(|removal| removal.line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn removals_are_bounded() {
    assert_eq!(clean(&"<script></script>".repeat(1_000)).removed.len(), 20);
}

#[test]
fn the_last_paragraph_is_found() {
    let last = |html| last_paragraph(html).unwrap_or_default();
    assert_eq!(
        last("<p>One</p><p>Minimum hardware requirements: 1 core</p>"),
        "Minimum hardware requirements: 1 core"
    );
    assert_eq!(last("<p>One</p>\n<p>Two <b>three</b>\n four</p>\n<p> </p>"), "Two three four");
    assert_eq!(
        last("<p>Minimum hardware requirements:</p><ul><li>1 core</li></ul>"),
        "Minimum hardware requirements:"
    );
    assert_eq!(last("One<br>two"), "One two");
    assert_eq!(last("<h1>Title</h1><div>Text</div>"), "Text");
    assert_eq!(last_paragraph(""), None);
    assert_eq!(text("<h1>Title</h1><p>a &amp; b</p>"), "Title\na & b");
}
