//! The index by its edge: put offers in, ask, look at what comes and in which order.

use super::*;

fn entry(publisher: &str, offer: &str, title: &str, summary: &str) -> Entry {
    Entry {
        publisher: publisher.to_owned(),
        publisher_name: publisher.to_uppercase(),
        offer: offer.to_owned(),
        title: title.to_owned(),
        summary: summary.to_owned(),
        submission: format!("{publisher}-{offer}"),
        categories: vec!["analytics".to_owned()],
        platforms: vec!["linux/amd64".to_owned()],
        licences: vec!["free".to_owned()],
        live_ms: i64::try_from(title.len()).unwrap(),
        ..Entry::default()
    }
}

fn shop() -> Index {
    let mut index = Index::default();
    index.put(entry("contoso", "modbus-gateway", "Modbus Gateway", "Reads old machines"));
    index.put(Entry {
        platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
        showcased: true,
        licences: vec!["byol".to_owned()],
        ..entry("fabrikam", "bridge", "Field Bridge", "Turns Modbus into messages")
    });
    index.put(Entry {
        categories: vec!["storage".to_owned()],
        ..entry("fabrikam", "store", "Température Store", "Keeps what sensors say")
    });
    index.put(entry("contoso", "opc", "OPC UA Publisher", "Speaks with machines"));
    index
}

fn titles(index: &Index, parameters: &str) -> Vec<String> {
    let hits = index.find(&Query::parse(parameters), 0);
    hits.slots.iter().map(|slot| index.entry(*slot).title.clone()).collect()
}

fn count(index: &Index, parameters: &str, facet: Facet, value: &str) -> usize {
    let hits = index.find(&Query::parse(parameters), 0);
    let (_, values) = hits.counts.into_iter().find(|(found, _)| *found == facet).unwrap();
    values.iter().find(|count| count.value == value).map_or(0, |count| count.offers)
}

#[test]
fn the_title_weighs_more_than_the_summary() {
    assert_eq!(titles(&shop(), "q=modbus"), ["Modbus Gateway", "Field Bridge"]);
    assert_eq!(titles(&shop(), "q=messages+modbus"), ["Field Bridge"]);
}

#[test]
fn it_is_found_while_it_is_typed_and_when_it_is_mistyped() {
    let index = shop();
    for typed in ["mod", "modb", "gatew", "modbus+g", "modbsu", "modubs+gatway", "mdobus+gateway"] {
        assert_eq!(titles(&index, &format!("q={typed}"))[0], "Modbus Gateway", "{typed}");
    }
    for typed in ["temperature", "Temp%C3%A9ratures", "temprature", "TEMPERATURE+STORE", "tempeartu"] {
        assert_eq!(titles(&index, &format!("q={typed}")), ["Température Store"], "{typed}");
    }
    assert_eq!(titles(&index, "q=opc")[0], "OPC UA Publisher");
    assert_eq!(titles(&index, "q=qqqq"), [""; 0]);
    assert_eq!(titles(&index, "q=%2D%2D").len(), 4, "no word is no search");
}

#[test]
fn some_words_are_better_than_nothing() {
    let hits = shop().find(&Query::parse("q=modbus+nonsenseword"), 0);
    assert_eq!((hits.relaxed, hits.total), (true, 2));
    assert!(!shop().find(&Query::parse("q=nonsenseword"), 0).relaxed);
}

#[test]
fn filters_count_what_they_would_show() {
    let index = shop();
    assert_eq!(titles(&index, "platform=linux/arm64"), ["Field Bridge"]);
    // A filter's own values are counted as if it were off, the others' with it.
    assert_eq!(count(&index, "platform=linux/arm64", Facet::Platform, "linux/amd64"), 4);
    assert_eq!(count(&index, "platform=linux/arm64", Facet::Licence, "free"), 0);
    assert_eq!(count(&index, "platform=linux/arm64", Facet::Licence, "byol"), 1);
    assert_eq!(count(&index, "q=modbus", Facet::Publisher, "fabrikam"), 1);
    assert_eq!(count(&index, "", Facet::Badge, SHOWCASED), 1);
    assert_eq!(titles(&index, "category=storage"), ["Température Store"]);
    assert_eq!(count(&index, "category=storage", Facet::Category, "internet-of-things"), 4);
    assert_eq!(titles(&index, "category=internet-of-things").len(), 4, "everything is in it");
    assert_eq!(titles(&index, "publisher=nobody"), [""; 0]);
    assert_eq!(titles(&index, "badge=unknown"), [""; 0]);
    assert_eq!(titles(&index, "licence=free&licence=byol").len(), 4);
}

#[test]
fn order_is_as_asked() {
    let index = shop();
    let by_name = ["Field Bridge", "Modbus Gateway", "OPC UA Publisher", "Température Store"];
    assert_eq!(titles(&index, "sort=name"), by_name);
    assert_eq!(titles(&index, "sort=newest")[0], "Température Store");
    assert_eq!(titles(&index, "")[0], "Field Bridge", "what is showcased comes first");
}

#[test]
fn an_offer_that_changes_is_there_once() {
    let mut index = shop();
    index.put(entry("contoso", "opc", "OPC UA Bridge", "Speaks with machines"));
    assert_eq!(index.offers(), 4);
    assert_eq!(titles(&index, "q=publisher"), [""; 0]);
    assert_eq!(titles(&index, "sort=name")[2], "OPC UA Bridge");
    assert_eq!(index.named("contoso", "opc", 0).unwrap().title, "OPC UA Bridge");
}

#[test]
fn what_is_hidden_is_not_found_from_its_instant_on() {
    let mut index = shop();
    index.hide(&[("contoso".to_owned(), "opc".to_owned(), 500)]);
    let total = |now_ms| index.find(&Query::all(), now_ms).total;
    assert_eq!((total(499), total(500)), (4, 3));
    assert!(index.named("contoso", "opc", 500).is_none());
    assert_eq!(index.by_title(500).count(), 3);
}

#[test]
fn pages_follow_each_other() {
    let mut index = Index::default();
    for number in 0..60 {
        index.put(entry("contoso", &format!("m-{number}"), &format!("Module {number:02}"), "One of many"));
    }
    let mut seen = BTreeSet::new();
    for page in 1..=3 {
        let hits = index.find(&Query::parse(&format!("q=module&page={page}")), 0);
        assert_eq!(hits.total, 60);
        seen.extend(hits.slots);
    }
    assert_eq!(seen.len(), 60);
    assert_eq!(titles(&index, "q=module&page=4"), [""; 0]);
    assert_eq!(titles(&index, "sort=name&page=2")[0], "Module 24");
}
