//! Forms of single texts: what an ID, a URL, a phone number … looks like. One function judges, one gives the same form
//! as JSON Schema.

use crate::identity::{IdError, OfferId, PublisherId};
use serde_json::{Value, json};
use unicode_properties::emoji::{EmojiStatus, UnicodeEmoji};
use url::Url;

/// The form of a text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One line without control characters.
    Line,
    /// A line in which an unquoted number or truth value is text as well.
    Loose,
    /// Several lines.
    Text,
    /// Several lines, numbers and truth values are text as well; may be empty.
    LooseText,
    /// A line without emoji.
    Name,
    PublisherId,
    Id,
    /// Simple HTML; cleaned by [`crate::rules`].
    Html,
    HttpUrl,
    /// `https`, or `http` to this machine.
    HttpsUrl,
    Guid,
    Email,
    Phone,
    Repository,
    EnvironmentName,
    /// Path of a file in the offer's directory.
    File,
    Category,
    /// Link to a video on YouTube or Vimeo.
    Video,
}

/// Why a text does not have its form: what completes "plans[0].id …", and the way out.
pub(crate) struct Misfit {
    pub message: String,
    pub hint: String,
}

fn misfit<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { message: message.into(), hint: hint.into() })
}

const ID_PATTERN: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";

impl Form {
    /// Whether numbers and truth values count as text.
    pub fn is_loose(self) -> bool {
        matches!(self, Form::Loose | Form::LooseText | Form::Phone)
    }

    /// Whether text may be empty.
    pub fn may_be_empty(self) -> bool {
        self == Form::LooseText
    }

    /// Judges a text that is not blank.
    pub fn check(self, text: &str) -> Result<(), Misfit> {
        let control = |c: &char| c.is_control() && !(self.has_lines() && matches!(c, '\n' | '\r' | '\t'));
        if let Some(bad) = text.chars().find(control) {
            return misfit(
                format!("has the control character {bad:?}"),
                if bad == '\n' { "write it in one line" } else { "remove the character" },
            );
        }
        match self {
            Form::Line | Form::Loose | Form::Text | Form::LooseText | Form::Html => Ok(()),
            Form::Name => no_emoji(text),
            Form::PublisherId => text.parse::<PublisherId>().map(drop).or_else(|error| id(text, error)),
            Form::Id => text.parse::<OfferId>().map(drop).or_else(|error| id(text, error)),
            Form::HttpUrl => http_url(text).map(drop),
            Form::HttpsUrl => https_url(text),
            Form::Guid => guid(text),
            Form::Email => email(text),
            Form::Phone => phone(text),
            Form::Repository => crate::repository::check(text)
                .map_err(|(message, hint)| Misfit { message, hint: hint.to_owned() }),
            Form::EnvironmentName => environment_name(text),
            Form::File => file(text),
            Form::Category => category(text),
            Form::Video => video(text),
        }
    }

    /// The same form in JSON Schema. What a pattern cannot say stands in the description of the field.
    pub fn schema(self) -> Value {
        match self {
            Form::Loose | Form::LooseText | Form::Phone => json!({"type": ["string", "number", "boolean"]}),
            Form::PublisherId | Form::Id => json!({"type": "string", "pattern": ID_PATTERN}),
            Form::HttpUrl => {
                json!({"type": "string", "format": "uri", "pattern": "^[hH][tT][tT][pP][sS]?://"})
            }
            Form::HttpsUrl | Form::Video => json!({"type": "string", "format": "uri"}),
            Form::Guid => json!({
                "type": "string", "format": "uuid",
                "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            }),
            Form::Email => json!({"type": "string", "format": "email"}),
            Form::EnvironmentName => json!({"type": "string", "pattern": "^[^=]+$"}),
            Form::Category => {
                let known: Vec<&str> = crate::categories::ALL.iter().map(|category| category.id).collect();
                json!({"type": "string", "enum": known})
            }
            Form::Line | Form::Text | Form::Name | Form::Html | Form::Repository | Form::File => {
                json!({"type": "string"})
            }
        }
    }

    fn has_lines(self) -> bool {
        matches!(self, Form::Text | Form::LooseText | Form::Html)
    }
}

fn no_emoji(text: &str) -> Result<(), Misfit> {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // Signs that every font has and that were letters long before they were emoji, unless presented as emoji.
        let plain = c.is_ascii() || matches!(c, '©' | '®' | '™');
        let emoji = match c.emoji_status() {
            EmojiStatus::NonEmoji | EmojiStatus::NonEmojiButEmojiComponent => false,
            _ => !plain || matches!(chars.peek(), Some('\u{fe0f}' | '\u{20e3}')),
        };
        if emoji {
            return misfit(format!("has the emoji {c:?}"), "names have no emoji: write it in words");
        }
    }
    Ok(())
}

fn id(text: &str, error: IdError) -> Result<(), Misfit> {
    let suggestion: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let suggestion = suggestion.trim_matches('-');
    let hint = match error {
        IdError::Character(..) | IdError::Dash if !suggestion.is_empty() => {
            format!("write for example `{suggestion}`")
        }
        IdError::Reserved => "choose another one".into(),
        _ => "use 1 to 50 lower-case letters a-z, digits and dashes, no dash at either end".into(),
    };
    misfit(error.to_string(), hint)
}

fn http_url(text: &str) -> Result<Url, Misfit> {
    const HINT: &str = "write a whole URL, for example https://contoso.com/page";
    if text.chars().any(char::is_whitespace) {
        return misfit(format!("is {text:?}, which has white space and so is no URL"), HINT);
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return misfit(format!("is {text:?}, which is no URL: {error}"), HINT),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return misfit(format!("has the scheme `{}`, only http and https are allowed", url.scheme()), HINT);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return misfit("has a user name or password in it", "remove what stands before the @");
    }
    Ok(url)
}

fn https_url(text: &str) -> Result<(), Misfit> {
    let url = http_url(text)?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        return misfit("is not encrypted (http)", "leads are personal data: use an https URL");
    }
    Ok(())
}

fn guid(text: &str) -> Result<(), Misfit> {
    const HINT: &str = "write the subscription's ID, for example 1c2f8f3a-6c0e-4a5e-9d3b-8f4e2a7b6c5d";
    match uuid::Uuid::parse_str(text) {
        Ok(guid) if guid.is_nil() => misfit("is the GUID of zeros, which no subscription has", HINT),
        Ok(guid) if guid.hyphenated().to_string().eq_ignore_ascii_case(text) => Ok(()),
        _ => misfit(format!("is {text:?}, which is no GUID"), HINT),
    }
}

fn email(text: &str) -> Result<(), Misfit> {
    // Longest path of RFC 5321, section 4.5.3.1.3, without its angle brackets.
    const CHARS_MAX: usize = 254;
    let good = text.rsplit_once('@').is_some_and(|(local, domain)| {
        let label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let local_char =
            |c: char| !c.is_whitespace() && !matches!(c, '@' | '<' | '>' | ',' | ';' | '(' | ')' | ':');
        !local.is_empty()
            && local.chars().all(local_char)
            && domain.contains('.')
            && domain.split('.').all(label)
            && text.chars().count() <= CHARS_MAX
    });
    if good {
        return Ok(());
    }
    misfit(format!("is {text:?}, which is no e-mail address"), "write it as name@contoso.com")
}

fn phone(text: &str) -> Result<(), Misfit> {
    // Fewest digits of a national number, and most of an international one (ITU-T E.164: 15) with an extension.
    const DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
    let (number, extension) = text.split_once(['x', 'e']).unwrap_or((text, ""));
    let number_good = number.chars().enumerate().all(|(index, c)| {
        c.is_ascii_digit()
            || matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/')
            || (c == '+' && index == 0)
    });
    let extension_good = extension.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '.' | 'x' | 't'));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if number_good && extension_good && DIGITS.contains(&digits) {
        return Ok(());
    }
    misfit(format!("is {text:?}, which is no phone number"), "write it as +33 1 23 45 67 89")
}

fn environment_name(text: &str) -> Result<(), Misfit> {
    if text.contains('=') || text.chars().any(char::is_whitespace) {
        return misfit(
            format!("is {text:?}, which is no name of an environment variable"),
            "use letters, digits and underscores",
        );
    }
    Ok(())
}

fn file(text: &str) -> Result<(), Misfit> {
    const HINT: &str = "write a path inside the offer's directory, for example logos/small.png";
    if text.starts_with('/') || text.contains('\\') || text.get(1..2) == Some(":") {
        return misfit(format!("is {text:?}, which is not a relative path with `/`"), HINT);
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return misfit(format!("is {text:?}, which has an empty, `.` or `..` part"), HINT);
    }
    Ok(())
}

fn category(text: &str) -> Result<(), Misfit> {
    if crate::categories::find(text).is_some() {
        return Ok(());
    }
    let known = crate::categories::ALL.iter().map(|category| category.id);
    let hint = match nearest(text, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the categories are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    misfit(format!("is {text:?}, which is no category"), hint)
}

fn video(text: &str) -> Result<(), Misfit> {
    const HINT: &str = "write for example https://www.youtube.com/watch?v=ID or https://vimeo.com/ID";
    let url = http_url(text)?;
    let host = url.host_str().unwrap_or_default();
    let path: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let names_video = match host.strip_prefix("www.").or(host.strip_prefix("m.")).unwrap_or(host) {
        "youtube.com" | "youtube-nocookie.com" => {
            url.query_pairs().any(|(key, value)| path == ["watch"] && key == "v" && !value.is_empty())
                || matches!(path[..], ["embed" | "shorts" | "live", _])
        }
        "youtu.be" => path.len() == 1,
        "vimeo.com" | "player.vimeo.com" => path.iter().any(|part| part.bytes().all(|b| b.is_ascii_digit())),
        _ => return misfit(format!("leads to {host}; only YouTube and Vimeo are accepted"), HINT),
    };
    if names_video { Ok(()) } else { misfit(format!("is {text:?}, which names no video"), HINT) }
}

/// The known name that `text` was probably meant to be.
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Similarity from which two names look like a slip of the pen.
    const SIMILARITY_MIN: f64 = 0.75;
    let text: String = text.chars().take(100).collect();
    crate::nearest::nearest(&text, known, SIMILARITY_MIN)
}
