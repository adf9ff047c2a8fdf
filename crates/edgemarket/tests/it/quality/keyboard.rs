//! Everything by keyboard alone: every page from its first to its last control with the place seen, searching, acquiring, the
//! publisher's form.

use super::{ENTER, PAGE, Shop, TAB, ask, key, tab_to, type_text};
use crate::browser::{Browser, screenshot};
use serde_json::json;

/// Marks what can be operated, and says which of it the focus was never on; of radio buttons of one name one is enough.
const NEVER_FOCUSED: &str = "
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]
        .filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0);
    const isSeen = (one) => window.seen.has(one) || (one.type === 'radio' && all.some(two => two.name === one.name && window.seen.has(two)));
    return all.filter(one => !isSeen(one)).map(one => one.outerHTML.slice(0, 200));";

/// Goes through the page by the tab key alone: everything is reached, everything shows that it has the focus.
async fn walk(browser: &Browser, name: &str) {
    let step = "
        const [first] = arguments;
        if (first) window.seen = new Set();
        const at = document.activeElement;
        if (at === document.body || at === document.documentElement) return window.seen.size ? 'end' : 'begin';
        const again = window.seen.has(at);
        window.seen.add(at);
        if (again) return 'end';
        const style = getComputedStyle(at);
        const place = at.getBoundingClientRect();
        const isRing = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
        // A card's link rings the whole card.
        const isShown = isRing(style) || isRing(getComputedStyle(at, '::after'));
        const isInside = place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth && place.width > 0;
        return isShown && isInside ? 'on' : 'not seen: ' + at.outerHTML.slice(0, 200);";
    browser.client.execute(step, vec![json!(true)]).await.expect("begun");
    for _ in 0..400 {
        key(browser, TAB).await;
        let said = browser.client.execute(step, vec![json!(false)]).await.expect("a step");
        match said.as_str().expect("a word") {
            "end" => break,
            "on" | "begin" => {}
            said => panic!("{name}: {said}"),
        }
    }
    assert_eq!(ask(browser, NEVER_FOCUSED).await, json!([]), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_done_by_keyboard() {
    let browser = Browser::start("en").await;
    let shop = Shop::open(&browser).await;
    for path in ["/", "/search?q=", PAGE, "/offers/contoso/gauge/plans/standard/packages"] {
        shop.go(&browser, path).await;
        walk(&browser, path).await;
    }
    // The first thing is the way past the header, which is seen when it is reached.
    shop.go(&browser, "/").await;
    key(&browser, TAB).await;
    screenshot(&browser, "skip-link.png").await;
    assert_eq!(ask(&browser, "return document.activeElement.className").await, json!("skip"));
    key(&browser, ENTER).await;
    browser.client.wait().for_element(fantoccini::Locator::Css("main:focus")).await.expect("past the header");
    key(&browser, TAB).await;
    assert_eq!(ask(&browser, "return document.activeElement.matches('main *')").await, json!(true));

    // Searching, a filter, an offer.
    shop.go(&browser, "/").await;
    tab_to(&browser, "#q").await;
    type_text(&browser, "test").await;
    key(&browser, ENTER).await;
    browser.wait_for("Results for “test”").await;
    tab_to(&browser, ".filter a").await;
    key(&browser, ENTER).await;
    browser
        .client
        .wait()
        .for_element(fantoccini::Locator::Css(".filter [aria-current]"))
        .await
        .expect("a filter");
    tab_to(&browser, "main a[href^='/offers/contoso/gauge']").await;
    key(&browser, ENTER).await;
    browser.client.wait().for_element(fantoccini::Locator::Css("article.offer")).await.expect("the offer");

    acquiring(&browser, &shop).await;
    the_form(&browser, &shop).await;
    browser.end().await;
    shop.home.stop();
}

/// By a customer, to the form of the deployment.
async fn acquiring(browser: &Browser, shop: &Shop) {
    let customer =
        shop.home.api("GET", "/subscriptions", None).await[0]["id"].as_str().expect("an ID").to_owned();
    shop.sign_in(browser, "customer", &customer).await;
    let acquire = format!("{PAGE}/plans/standard/acquire");
    shop.go(browser, &acquire).await;
    walk(browser, &acquire).await;
    shop.go(browser, &acquire).await;
    tab_to(browser, "[name=accept]").await;
    key(browser, ' ').await;
    tab_to(browser, "form.entry button.primary").await;
    key(browser, ENTER).await;
    let next = fantoccini::Locator::Css("form[action='/deploy']");
    if browser.client.wait().for_element(next).await.is_err() {
        let ticked = ask(browser, "return document.querySelector('[name=accept]')?.checked").await;
        panic!("not acquired, accepted {ticked}: {}", browser.text("body").await);
    }
    walk(browser, "/deploy").await;
}

/// The publisher's form, by a vendor.
async fn the_form(browser: &Browser, shop: &Shop) {
    shop.sign_in_again(browser).await;
    for tab in ["listing", "plans/0", "pictures", "review"] {
        let path = format!("/publish/contoso/gauge/{tab}");
        shop.go(browser, &path).await;
        walk(browser, &path).await;
    }
    shop.go(browser, "/publish/contoso/gauge/listing").await;
    tab_to(browser, "[id='/listing/title']").await;
    type_text(browser, " of the boiler").await;
    tab_to(browser, ".bar button.primary").await;
    key(browser, ENTER).await;
    browser.client.wait().for_element(fantoccini::Locator::Css(".notice")).await.expect("saved");
    let title = ask(browser, "return document.getElementById('/listing/title').value").await;
    assert!(title.as_str().expect("a title").contains("of the boiler"), "{title}");
}
