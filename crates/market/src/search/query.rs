//! What a visitor looks for: words, filters, order and page, as they stand in the address. Reading an address and
//! writing it again gives the same results, so that every page of results can be shared.

use std::fmt::Write as _;

/// Longest search text in characters; the rest is left out.
pub const TEXT_CHARS_MAX: usize = 200;
/// Most values of one filter; more are left out.
const VALUES_MAX: usize = 20;
/// Last page that is shown: nobody reads on, and crawlers have the sitemap.
pub const PAGE_MAX: usize = 500;

/// A filter with a name in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Facet {
    Category,
    Platform,
    Licence,
    Badge,
    Publisher,
}

impl Facet {
    /// In the order of the page.
    pub const ALL: [Facet; 5] =
        [Facet::Category, Facet::Platform, Facet::Licence, Facet::Badge, Facet::Publisher];

    /// Its name in the address.
    pub fn name(self) -> &'static str {
        match self {
            Facet::Category => "category",
            Facet::Platform => "platform",
            Facet::Licence => "licence",
            Facet::Badge => "badge",
            Facet::Publisher => "publisher",
        }
    }
}

/// Order of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sort {
    /// Best match first; without words, what is showcased and new.
    #[default]
    Relevance,
    Newest,
    Name,
}

impl Sort {
    /// All of them, in the order of the page.
    pub const ALL: [Sort; 3] = [Sort::Relevance, Sort::Newest, Sort::Name];

    /// Its name in the address.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Relevance => "relevance",
            Sort::Newest => "newest",
            Sort::Name => "name",
        }
    }
}

/// A search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// What was typed.
    pub text: String,
    values: [Vec<String>; 5],
    /// Order of the results.
    pub sort: Sort,
    /// From 1.
    pub page: usize,
}

impl Query {
    /// The search for everything.
    pub fn all() -> Query {
        Query { page: 1, ..Query::default() }
    }

    /// Reads the part of an address after the question mark. What it does not know, it passes over.
    pub fn parse(query: &str) -> Query {
        let mut read = Query::all();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value: String = value.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect();
            match &*name {
                "q" => read.text = value.trim().to_owned(),
                "sort" => read.sort = Sort::ALL.into_iter().find(|s| s.name() == value).unwrap_or_default(),
                "page" => read.page = value.parse().unwrap_or(1).clamp(1, PAGE_MAX),
                other => {
                    if let Some(facet) = Facet::ALL.into_iter().find(|facet| facet.name() == other) {
                        read.choose(facet, &value);
                    }
                }
            }
        }
        read
    }

    /// The chosen values of a filter; none lets everything through.
    pub fn chosen(&self, facet: Facet) -> &[String] {
        &self.values[facet as usize]
    }

    /// Whether any filter is on.
    pub fn is_filtered(&self) -> bool {
        self.values.iter().any(|values| !values.is_empty())
    }

    /// Adds a value to a filter.
    pub fn choose(&mut self, facet: Facet, value: &str) {
        let values = &mut self.values[facet as usize];
        let known = facet != Facet::Category || offer::categories::find(value).is_some();
        if known
            && !value.is_empty()
            && values.len() < VALUES_MAX
            && !values.iter().any(|there| there == value)
        {
            values.push(value.to_owned());
        }
    }

    /// The same search with a value of a filter turned on or off, from its first page.
    #[must_use]
    pub fn toggled(&self, facet: Facet, value: &str) -> Query {
        let mut query = Query { page: 1, ..self.clone() };
        let values = &mut query.values[facet as usize];
        match values.iter().position(|known| known == value) {
            Some(at) => drop(values.remove(at)),
            None => query.choose(facet, value),
        }
        query
    }

    /// The same words without any filter.
    #[must_use]
    pub fn unfiltered(&self) -> Query {
        Query { text: self.text.clone(), sort: self.sort, ..Query::all() }
    }

    /// The same search in another order, from its first page.
    #[must_use]
    pub fn sorted(&self, sort: Sort) -> Query {
        Query { sort, page: 1, ..self.clone() }
    }

    /// Another page of the same search.
    #[must_use]
    pub fn at_page(&self, page: usize) -> Query {
        Query { page, ..self.clone() }
    }

    /// Its address: the page of a category where that is all that was chosen of it, else the search page.
    pub fn address(&self) -> String {
        let mut address = String::new();
        let mut parameters = url::form_urlencoded::Serializer::new(String::new());
        let own_page = match self.chosen(Facet::Category) {
            [one] if self.text.is_empty() => Some(one),
            _ => None,
        };
        match own_page {
            Some(category) => {
                let _ = write!(address, "/category/{category}");
                if category == offer::categories::IMPLIED[0].id {
                    parameters.append_pair("subcategories", offer::categories::IMPLIED[1].id);
                }
            }
            None => address.push_str("/search"),
        }
        if !self.text.is_empty() {
            parameters.append_pair("q", &self.text);
        }
        for facet in Facet::ALL {
            if facet != Facet::Category || own_page.is_none() {
                for value in self.chosen(facet) {
                    parameters.append_pair(facet.name(), value);
                }
            }
        }
        if self.sort != Sort::default() {
            parameters.append_pair("sort", self.sort.name());
        }
        if self.page > 1 {
            parameters.append_pair("page", &self.page.to_string());
        }
        let parameters = parameters.finish();
        if !parameters.is_empty() {
            let _ = write!(address, "?{parameters}");
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let mut query = Query { text: "opc ua & more".to_owned(), page: 3, sort: Sort::Name, ..Query::all() };
        query.choose(Facet::Platform, "linux/arm/v7");
        query.choose(Facet::Platform, "linux/amd64");
        query.choose(Facet::Publisher, "contoso");
        let address = query.address();
        let (path, parameters) = address.split_once('?').unwrap();
        assert_eq!(path, "/search");
        assert_eq!(Query::parse(parameters), query);
        assert_eq!(query.toggled(Facet::Publisher, "contoso").chosen(Facet::Publisher), [""; 0]);
    }

    #[test]
    fn a_category_has_a_page_of_its_own() {
        let mut query = Query::all();
        query.choose(Facet::Category, "analytics");
        assert_eq!(query.at_page(2).address(), "/category/analytics?page=2");
        let everything = Query::all().toggled(Facet::Category, "internet-of-things");
        assert_eq!(everything.address(), "/category/internet-of-things?subcategories=iot-edge-modules");
        assert_eq!(query.toggled(Facet::Category, "analytics").address(), "/search");
    }

    #[test]
    fn nonsense_is_passed_over() {
        let long = "x".repeat(5_000);
        let read = Query::parse(&format!(
            "q={long}&page=-4&sort=magic&platform=&page=99999999999&what=ever&q=%00a%0a"
        ));
        assert_eq!((read.text.as_str(), read.page, read.sort), ("a", PAGE_MAX, Sort::Relevance));
        let many: String = (0..100).map(|n| format!("platform=p{n}&")).collect();
        assert_eq!(Query::parse(&many).chosen(Facet::Platform).len(), 20);
    }
}
