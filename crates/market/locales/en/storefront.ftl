about = About
all-tags = Every tag and what it points at
badge-showcased = Showcased
badge-showcased-why = Runs on all tier 1 platforms
breadcrumb = Where you are
category-missing = There is no category { $id }.
certified-at = certified on { $day }
certified-on = Certified on
close = Close
contents = What is inside
copied-short = Copied
copy = Copy
ecosystem = Ecosystem
facet-badge = Badge
facet-category = Categories
facet-licence = Licence
facet-platform = Platform
facet-publisher = Publisher
feed = Feed of releases (Atom)
feed-all = New releases
feed-of = Releases of { $title }
filter-remove = chosen; follow the link to remove this filter
filters = Filters
get-it = Get it
home = Home
home-description = Certified modules for Azure IoT Edge and other container hosts at the edge: find one, check it, deploy it.
home-lead = Every module here was certified, is signed, and says what is inside it.
home-newest = New and updated
home-showcased = Showcased
home-title = Modules for the edge
identifiers = At a glance
language = Language
layers = { $count ->
    [one] { $count } layer
   *[other] { $count } layers
}
licence = Licence
licence-byol = Bring your own licence
licence-free = Free
main-navigation = Main
module-name = Module name
more = More
offer-id = Offer ID
offers-count = { $count ->
    [one] { $shown } module
   *[other] { $shown } modules
}
package = Package
packages-found = { $found } of { $all } packages
packages-of = All packages of { $platform }
packages-search = Search name, version, ecosystem or licence
packages-title = Packages of { $title }
page-after = Next
page-before = Previous
page-of = Page { $page } of { $pages }
pages = Pages
plan-description = Description
plan-summary = Summary
plans = Plans
platforms-sizes = Platforms and sizes
public-keys = Public keys
pull-by-digest = Pinned to the certified digest:
region-home = This marketplace
results-all = All modules
results-description = { $title }: certified IoT Edge modules, with their platforms, licences and publishers.
results-empty = No module matches.
results-for = Results for “{ $text }”
results-relaxed = No module has all these words; these have some of them.
results-unfilter = Remove all filters
screenshots = Screenshots
search = Search
search-label = Search the modules
search-placeholder = Search modules, publishers, protocols
see-all = See all
settings = Default settings
settings-environment = { $count ->
    [one] { $count } environment variable
   *[other] { $count } environment variables
}
settings-routes = { $count ->
    [one] { $count } route
   *[other] { $count } routes
}
settings-twin = { $count ->
    [one] { $count } twin property
   *[other] { $count } twin properties
}
severity-critical = critical
severity-high = high
severity-info = info
severity-low = low
severity-medium = medium
signature = Signature
signature-cosign = Or with cosign 3:
signature-how = The image, its list of contents and its certification are signed by this marketplace. Check all three, without asking anybody:
sort = Sort by
sort-name = Name
sort-newest = Newest
sort-relevance = Best match
support-page = Support page
support-sovereign = Support page for sovereign regions
theme = Theme
theme-auto = Automatic
theme-dark = Dark
theme-light = Light
trust = Why you can trust it
trust-lead = What certification found, what is known today, what is inside, and how to check the signature yourself.
useful-links = Useful links
version = Version
video-at = opens { $place }
videos = Videos
vulnerabilities-as-of = as of { $day }
vulnerabilities-each = Each vulnerability
vulnerabilities-more = The certification report has the rest.
vulnerabilities-none = None known
vulnerabilities-today = Vulnerabilities today
vulnerability-data = vulnerability data:
why-trust = Why trust it?
