//! The table of the offer document's fields: names, shapes, limits, what they are for. The decoder ([`crate::decode`])
//! and the JSON Schema ([`crate::schema`]) both walk this table, so that they cannot differ. Rules that need more than
//! one field are in [`crate::rules`].

use crate::forms::Form;
use crate::policy::OfferLimits;

/// Reads a limit from the policy.
pub(crate) type Limit = fn(&OfferLimits) -> usize;

/// A mapping with a fixed set of fields.
pub(crate) struct Object {
    /// First part of rule names.
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [Field],
    /// Of each group exactly one field is there.
    pub exactly_one: &'static [&'static [&'static str]],
    /// Fields that are refused with a reason of their own: name, rule, hint.
    pub refused: &'static [(&'static str, &'static str, &'static str)],
}

/// A field of an [`Object`].
pub(crate) struct Field {
    pub name: &'static str,
    pub required: bool,
    pub shape: Shape,
    pub doc: &'static str,
}

/// What a value looks like.
pub(crate) enum Shape {
    /// Text of a form, with the most characters.
    Text(Form, Limit),
    Flag,
    /// One of the values; `later` are known ones that this version does not support yet.
    Choice {
        values: &'static [&'static str],
        later: &'static [&'static str],
    },
    List {
        of: &'static Shape,
        min: usize,
        max: Limit,
    },
    Object(&'static Object),
    /// One of the texts, or a mapping.
    ChoiceOr(&'static [&'static str], &'static Object),
    /// Any YAML value, or JSON as text.
    Json,
    /// A mapping, or a JSON object as text.
    JsonObject,
}

/// Most characters of a text that the spec gives no limit for: names of persons, user names, titles of links, notes.
pub const TEXT_CHARS_MAX: usize = 256;
/// Most characters of a URL.
pub const URL_CHARS_MAX: usize = 2_048;
/// Most characters of terms of use: a long licence such as the AGPL has 34,500.
pub const TERMS_CHARS_MAX: usize = 60_000;
/// Most items of a list that the spec gives no limit for (tags, videos).
pub const LIST_MAX: usize = 1_000;
/// Most subscriptions of a private audience.
pub const AUDIENCE_MAX: usize = 10_000;
/// Most characters of an image repository's name (OCI distribution specification: clients limit it to 255).
pub const REPOSITORY_CHARS_MAX: usize = 255;

const SHORT: Limit = |_| TEXT_CHARS_MAX;
const URL: Limit = |_| URL_CHARS_MAX;
const ID: Limit = |_| crate::identity::ID_CHARS_MAX;
const DEFAULT: Limit = |l| l.default_chars.saturating_sub(1);

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, required: true, shape, doc }
}
const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, required: false, shape, doc }
}
const fn object(name: &'static str, doc: &'static str, fields: &'static [Field]) -> Object {
    Object { name, doc, fields, exactly_one: &[], refused: &[] }
}
const fn line(max: Limit) -> Shape {
    Shape::Text(Form::Line, max)
}
const fn list(of: &'static Shape, min: usize, max: Limit) -> Shape {
    Shape::List { of, min, max }
}
const fn choice(values: &'static [&'static str]) -> Shape {
    Shape::Choice { values, later: &[] }
}
const fn file(doc: &'static str, name: &'static str) -> Field {
    optional(name, Shape::Text(Form::File, SHORT), doc)
}

/// The document.
pub(crate) static OFFER: Object = object(
    "offer",
    "An offer of IoT Edge modules: one directory that a publisher keeps in git.",
    &[
        required(
            "publisher",
            Shape::Text(Form::PublisherId, ID),
            "Publisher ID: lower-case letters, digits and dashes; fixed once saved.",
        ),
        required(
            "id",
            Shape::Text(Form::Id, ID),
            "Offer ID, unique within the publisher; fixed once live; in URLs as publisher.offer.",
        ),
        required("name", Shape::Text(Form::Name, |l| l.name_chars), "Display name, without emoji."),
        required(
            "plans",
            list(&Shape::Object(&PLAN), 1, |l| l.plans),
            "Plans (also called SKUs): one module each, with its image and default settings.",
        ),
        required("listing", Shape::Object(&LISTING), "What the storefront shows."),
        optional("leads", Shape::Object(&LEADS), "Where leads go; none by default."),
        required("support", Shape::Object(&SUPPORT), "Who answers."),
    ],
);

static PLAN: Object = Object {
    exactly_one: &[&["description", "descriptionFile"]],
    ..object(
        "plan",
        "A plan: one module, its image and its default settings.",
        &[
            required("id", Shape::Text(Form::Id, ID), "Plan ID, unique in the offer; fixed once live."),
            required(
                "title",
                line(|l| l.plan_title_chars),
                "Its letters and digits are the default module name.",
            ),
            required("summary", line(|l| l.plan_summary_chars), "One line."),
            optional(
                "description",
                Shape::Text(Form::Html, |l| l.plan_description_chars),
                "Simple HTML; or name a file in descriptionFile.",
            ),
            file("File of the offer's directory that holds the description.", "descriptionFile"),
            optional(
                "hidden",
                Shape::Flag,
                "Reachable by link and by deployment, not listed; false by default.",
            ),
            optional(
                "privateAudience",
                list(&Shape::Text(Form::Guid, SHORT), 0, |_| AUDIENCE_MAX),
                "Subscription IDs that alone may see and acquire the plan; empty for a public plan.",
            ),
            required(
                "licenceModel",
                choice(&["free", "byol"]),
                "free, or byol (bring your own licence); fixed once live.",
            ),
            required("repository", Shape::Object(&REPOSITORY), "Where the publisher keeps the image."),
            required(
                "tags",
                list(&Shape::Text(Form::Loose, SHORT), 1, |_| LIST_MAX),
                "latest, at least one version tag X.Y.Z, rolling tags X.Y and X, platform tags.",
            ),
            optional("routes", list(&Shape::Object(&ROUTE), 0, |l| l.defaults), "Default routes."),
            optional(
                "twin",
                list(&Shape::Object(&TWIN), 0, |l| l.defaults),
                "Default twin desired properties.",
            ),
            optional(
                "environment",
                list(&Shape::Object(&ENVIRONMENT), 0, |l| l.defaults),
                "Default environment variables.",
            ),
            optional(
                "createOptions",
                Shape::JsonObject,
                "Docker Engine container-create options: a mapping, or a JSON object as text.",
            ),
            optional("screenshots", list(&Shape::Object(&SCREENSHOT), 0, |l| l.screenshots), "Screenshots."),
        ],
    )
};

static REPOSITORY: Object = Object {
    refused: &[
        ("password", "password-in-document", PASSWORD_HINT),
        ("token", "password-in-document", PASSWORD_HINT),
    ],
    ..object(
        "repository",
        "An image repository of any OCI registry.",
        &[
            required(
                "name",
                Shape::Text(Form::Repository, |_| REPOSITORY_CHARS_MAX),
                "host[:port]/path, without tag; fixed once live.",
            ),
            optional("username", line(SHORT), "User name, when the registry wants one."),
            optional(
                "passwordEnv",
                Shape::Text(Form::EnvironmentName, SHORT),
                "Environment variable that holds the password or token when `publish` runs.",
            ),
        ],
    )
};
const PASSWORD_HINT: &str = "name the environment variable that holds it in passwordEnv; the document lives in git, so change the password if it was ever committed";

static ROUTE: Object = object(
    "route",
    "A default route.",
    &[
        required("name", line(DEFAULT), "Name of the route."),
        required("value", Shape::Text(Form::Text, DEFAULT), "FROM <source> [WHERE <condition>] INTO <sink>."),
    ],
);
static TWIN: Object = object(
    "twin",
    "A default desired property of the module twin.",
    &[
        required("name", line(DEFAULT), "Name of the property."),
        required(
            "value",
            Shape::Json,
            "JSON without arrays, nested at most 4 levels: a YAML value, or JSON as text that begins with { or [.",
        ),
    ],
);
static ENVIRONMENT: Object = object(
    "environment",
    "A default environment variable.",
    &[
        required("name", line(DEFAULT), "Name of the variable."),
        required(
            "value",
            Shape::Text(Form::LooseText, DEFAULT),
            "Its value; numbers and truth values are text.",
        ),
    ],
);
static SCREENSHOT: Object = object(
    "screenshot",
    "A screenshot.",
    &[
        required("name", line(|l| l.screenshot_name_chars), "Shown with the picture."),
        required("file", Shape::Text(Form::File, SHORT), "PNG of exactly the policy's size (533×324)."),
    ],
);

static LISTING: Object = Object {
    exactly_one: &[&["description", "descriptionFile"]],
    ..object(
        "listing",
        "What the storefront shows.",
        &[
            required("title", line(|l| l.listing_title_chars), "Title."),
            required("summary", line(|l| l.listing_summary_chars), "One line."),
            required("longSummary", line(|l| l.listing_long_summary_chars), "A few sentences."),
            optional(
                "description",
                Shape::Text(Form::Html, |l| l.listing_description_chars),
                "Simple HTML; its last paragraph begins with \"Minimum hardware requirements:\". Or descriptionFile.",
            ),
            file("File of the offer's directory that holds the description.", "descriptionFile"),
            required(
                "marketingIdentifier",
                Shape::Text(Form::Id, |l| l.marketing_identifier_chars),
                "Last part of the listing's URL: lower-case letters, digits, dashes; unique in the marketplace.",
            ),
            required(
                "previewSubscriptions",
                list(&Shape::Object(&PREVIEW), 1, |l| l.preview_subscriptions),
                "Subscriptions that see the preview.",
            ),
            required(
                "links",
                list(&Shape::Object(&LINK), 1, |l| l.links),
                "Useful links: at least one to documentation and one to a compatible device.",
            ),
            required(
                "categories",
                list(&Shape::Text(Form::Category, SHORT), 1, |l| l.categories),
                "Categories, besides Internet of Things › IoT Edge modules, which every offer has.",
            ),
            required("logos", Shape::Object(&LOGOS), "Logos and hero picture."),
            optional("videos", list(&Shape::Object(&VIDEO), 0, |_| LIST_MAX), "Videos."),
            required("privacyPolicyUrl", Shape::Text(Form::HttpUrl, URL), "Privacy policy."),
            required(
                "terms",
                Shape::ChoiceOr(&["standard-contract"], &TERMS),
                "standard-contract, or own terms; an offer that is live under the standard contract stays under it.",
            ),
        ],
    )
};
static PREVIEW: Object = object(
    "preview-subscription",
    "A subscription that sees the preview.",
    &[
        required("id", Shape::Text(Form::Guid, SHORT), "Subscription ID."),
        optional("note", line(SHORT), "Whose it is."),
    ],
);
static LINK: Object = object(
    "link",
    "A useful link.",
    &[
        required("title", line(SHORT), "Shown as the link."),
        required("url", Shape::Text(Form::HttpUrl, URL), "http(s) URL."),
        required("kind", choice(&["documentation", "device", "other"]), "What it leads to."),
    ],
);
static LOGOS: Object = object(
    "logos",
    "PNG files of exact sizes.",
    &[
        required("small", Shape::Text(Form::File, SHORT), "40×40 pixels."),
        required("medium", Shape::Text(Form::File, SHORT), "90×90 pixels."),
        required("large", Shape::Text(Form::File, SHORT), "115×115 pixels."),
        required("wide", Shape::Text(Form::File, SHORT), "255×115 pixels."),
        optional("hero", Shape::Text(Form::File, SHORT), "815×290 pixels; cannot be removed once live."),
    ],
);
static VIDEO: Object = object(
    "video",
    "A video on YouTube or Vimeo.",
    &[
        required("name", line(|l| l.video_name_chars), "Shown with the video."),
        required("link", Shape::Text(Form::Video, URL), "Link to a video on YouTube or Vimeo."),
        required("thumbnail", Shape::Text(Form::File, SHORT), "PNG of exactly 533×324 pixels."),
    ],
);
static TERMS: Object = Object {
    exactly_one: &[&["html", "htmlFile", "url"]],
    ..object(
        "terms",
        "Own terms of use: exactly one of the fields.",
        &[
            optional("html", Shape::Text(Form::Html, |_| TERMS_CHARS_MAX), "Simple HTML."),
            file("File of the offer's directory that holds the terms.", "htmlFile"),
            optional("url", Shape::Text(Form::HttpUrl, URL), "http(s) URL."),
        ],
    )
};

static LEADS: Object = object(
    "leads",
    "Where leads go.",
    &[
        required(
            "kind",
            Shape::Choice {
                values: &["none", "https-endpoint"],
                later: &["azure-table", "dynamics-365", "marketo", "salesforce", "e-mail"],
            },
            "none: leads are only kept in the marketplace. https-endpoint: each lead is POSTed as JSON.",
        ),
        optional("url", Shape::Text(Form::HttpsUrl, URL), "URL of the HTTPS endpoint."),
    ],
);

static SUPPORT: Object = object(
    "support",
    "Who answers.",
    &[
        required("engineering", Shape::Object(&CONTACT), "Engineering contact."),
        required("customer", Shape::Object(&CONTACT), "Customer support."),
        required("url", Shape::Text(Form::HttpUrl, URL), "Support page."),
        optional("sovereignUrl", Shape::Text(Form::HttpUrl, URL), "Support page for sovereign regions."),
    ],
);
static CONTACT: Object = object(
    "contact",
    "A person or desk.",
    &[
        required("name", line(SHORT), "Name."),
        required("email", Shape::Text(Form::Email, SHORT), "E-mail address."),
        required("phone", Shape::Text(Form::Phone, SHORT), "Phone number."),
    ],
);
