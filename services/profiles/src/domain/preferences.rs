//! What a customer likes: channel, language and time zone. Codes only, nothing that names a person.

use super::coded;

coded! {
    /// Where a contact takes place.
    Channel {
        /// Telephone.
        Phone = 1,
        /// E-mail.
        Email = 2,
        /// Live chat.
        Chat = 3,
        /// Text message.
        Sms = 4,
        /// Messenger.
        Messaging = 5,
        /// Social network.
        Social = 6,
        /// Web site.
        Web = 7,
        /// Forum or community.
        Forum = 8,
        /// Physical store.
        Store = 9,
        /// Service centre.
        ServiceCentre = 10,
        /// Mobile app.
        MobileApp = 11,
        /// Augmented or virtual reality.
        Immersive = 12,
        /// Self-service portal.
        Portal = 13,
    }
}

/// A well-formed BCP 47 language tag in its usual writing: `id`, `fil-PH`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Language(String);

/// Characters of a tag, as the contracts allow.
const LONGEST_LANGUAGE: usize = 35;

impl Language {
    /// Checks the grammar of RFC 5646 (not whether the subtags are registered) and writes it the usual way.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "-");
        if text.is_empty() || text.len() > LONGEST_LANGUAGE || !text.is_ascii() {
            return None;
        }
        let mut tag = String::new();
        let mut stage = Stage::Start;
        for part in text.split('-') {
            stage = stage.after(part)?;
            if !tag.is_empty() {
                tag.push('-');
            }
            tag.push_str(&stage.written(part));
        }
        stage.may_end().then_some(Self(tag))
    }

    /// A tag that was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which subtag was read last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Start,
    Language { extended: u8 },
    Script,
    Region,
    Variant,
    Singleton,
    Extension,
    PrivateStart,
    Private,
}

impl Stage {
    fn after(self, part: &str) -> Option<Self> {
        let length = part.len();
        let alpha = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        let digit_first = part
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit());
        if !(1..=8).contains(&length) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        if matches!(self, Self::PrivateStart | Self::Private) {
            return Some(Self::Private);
        }
        if part.eq_ignore_ascii_case("x") && self != Self::Singleton {
            return Some(Self::PrivateStart);
        }
        match self {
            Self::Start => match length {
                2..=8 if alpha => Some(Self::Language {
                    extended: if length <= 3 { 0 } else { 3 },
                }),
                _ => None,
            },
            Self::Language { extended } if alpha && length == 3 && extended < 3 => {
                Some(Self::Language {
                    extended: extended + 1,
                })
            }
            Self::Language { .. } if alpha && length == 4 => Some(Self::Script),
            Self::Language { .. } | Self::Script
                if (alpha && length == 2) || (digits && length == 3) =>
            {
                Some(Self::Region)
            }
            Self::Singleton | Self::Extension if length >= 2 => Some(Self::Extension),
            Self::Singleton => None,
            _ if length == 1 => Some(Self::Singleton),
            Self::Extension => None,
            _ if length >= 5 || (length == 4 && digit_first) => Some(Self::Variant),
            _ => None,
        }
    }

    fn written(self, part: &str) -> String {
        match self {
            Self::Region => part.to_ascii_uppercase(),
            Self::Script => {
                let mut part = part.to_ascii_lowercase();
                if let Some(first) = part.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                part
            }
            _ => part.to_ascii_lowercase(),
        }
    }

    const fn may_end(self) -> bool {
        !matches!(self, Self::Start | Self::Singleton | Self::PrivateStart)
    }
}

/// An IANA time zone that exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone(String);

impl Zone {
    /// Looks the name up.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let zone: chrono_tz::Tz = text.trim().parse().ok()?;
        Some(Self(zone.name().to_owned()))
    }

    /// A name that was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a customer likes; what is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The channel they like to be reached on.
    pub channel: Option<Channel>,
    /// The language they like to be spoken to in.
    pub language: Option<Language>,
    /// Where their day begins.
    pub time_zone: Option<Zone>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn language_tags_are_written_the_usual_way() {
        for (text, expected) in [
            ("id", "id"),
            ("FIL-ph", "fil-PH"),
            ("en_US", "en-US"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("sl-rozaj-biske", "sl-rozaj-biske"),
            ("de-1996", "de-1996"),
            ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
            ("zh-yue-HK", "zh-yue-HK"),
            ("en-x-us", "en-x-us"),
            ("x-taglish", "x-taglish"),
        ] {
            assert_eq!(Language::parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_language_tag_is_refused() {
        for text in [
            "",
            "-",
            "e",
            "en-",
            "english language",
            "en--US",
            "en-u",
            "123",
            "en-US-GB",
            "en-x",
            "ünglisch",
            "en-abcdefghi",
            "aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa",
        ] {
            assert!(Language::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn time_zones_are_those_of_iana() {
        assert_eq!(
            Zone::parse(" Asia/Manila ").unwrap().as_str(),
            "Asia/Manila"
        );
        assert_eq!(Zone::parse("UTC").unwrap().as_str(), "UTC");
        for text in ["", "Manila", "+08:00", "Asia/Nowhere"] {
            assert!(Zone::parse(text).is_none(), "{text}");
        }
    }
}
